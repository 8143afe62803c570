"""`make bench-image`: compares the portal's image with a scaffolded app's by size, build times,
start and memory. Requires what the end-to-end test requires.

A clean build reuses no layer and no cache mount. Restarts alternate between the images; the result
is the median of five. Memory is measured five minutes after a restart, without the file cache.
"""

from __future__ import annotations

import json
import os
import platform
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from statistics import median

from components.portal.portal import CA_FILE
from components.portal.portal_pod import CA_DIRECTORY
from settings.app_config import shipped
from settings.keys import SHIPPED_PLUGINS
from tools.container import engine
from tools.container.portal import PodSpec, PortalContainer
from tools.container.postgres import HOST, PORT, USER, Postgres
from tools.process import ends_with

ROOT = Path(__file__).resolve().parent.parent.parent
CREATE_APP = "0.9.2"
NETWORK = "backstage-bench"
MANIFESTS = "build/preview/prod/manifests"
RESTARTS = 5
APP_CONFIG = shipped()
BUDGET = SHIPPED_PLUGINS * APP_CONFIG.pool_size  # the settings' limit of connections for one pod
# Node frees the start's memory with its first full collection, after one to four minutes.
REST_SECONDS = 300
ONE_LINE = (
    f"console.log('one more line, {secrets.token_hex(4)}');"  # new, so no earlier run cached it
)


@dataclass
class Figures:
    """The measurements of one image."""

    plugins: list[str]
    seconds: dict[str, float] = field(default_factory=dict)
    megabytes: dict[str, float] = field(default_factory=dict)
    memory: float = 0
    databases: int = 0
    schemas: int = 0
    connections: int = 0


def timed(action: Callable[[], object]) -> float:
    """Returns the seconds that an action takes."""
    start = time.monotonic()
    action()
    return time.monotonic() - start


def plugins(app: Path) -> list[str]:
    """Lists the backend plugins and modules among the dependencies of an app's backend."""
    manifest = json.loads((app / "packages/backend/package.json").read_text(encoding="utf-8"))
    return sorted(
        name for name in manifest["dependencies"] if "/plugin-" in name and "backend" in name
    )


def measure_size(image: str, base: str) -> dict[str, float]:
    """Returns megabytes (10^6 bytes) of an image, and of its layers above the base."""
    size, below = (engine.inspect("image", each)["Size"] / 1e6 for each in (image, base))
    return {"image": size, "layers above the base": size - below}


def prune_caches() -> None:
    """Deletes every cache mount of earlier builds."""
    engine.docker("builder", "prune", "--force", "--filter", "type=exec.cachemount")


def add_line(app: Path) -> None:
    """Makes the one-line change that a rebuild is measured with."""
    with (app / "packages/backend/src/index.ts").open("a", encoding="utf-8") as source:
        source.write(f"{ONE_LINE}\n")


def build_portal(directory: Path, base: str) -> tuple[str, Figures]:
    """Builds portal/'s image twice: clean, and after a one-line change."""
    context = directory / "portal"
    shutil.copytree(
        ROOT / "portal", context, ignore=shutil.ignore_patterns("node_modules", "dist*")
    )
    figures = Figures(plugins(context))
    dockerfile, tag = ROOT / "image/multi-stage.Dockerfile", "backstage-portal:bench"
    figures.seconds["clean build"] = timed(
        lambda: engine.build(tag, context, dockerfile, {}, ["--no-cache"])
    )
    figures.megabytes = measure_size(tag, base)
    add_line(context)
    figures.seconds["rebuild after one line"] = timed(
        lambda: engine.build(f"{tag}-2", context, dockerfile, {})
    )
    return tag, figures


def build_stock(directory: Path, base: str) -> tuple[str, Figures]:
    """Builds a scaffolded app and its own Dockerfile: clean, and after a one-line change."""
    here, host = Path(__file__).parent, "backstage-stock:host"
    arguments = {"CREATE_APP": CREATE_APP, "NODE_IMAGE": base}
    log = engine.build(host, here, here / "stock.Dockerfile", arguments, ["--no-cache"])
    context = directory / "stock"
    copied_out(host, "/stock/app", context)
    figures = Figures(plugins(context))
    steps = {name: float(seconds) for name, seconds in re.findall(r"seconds of (\w+): (\d+)", log)}
    tag, dockerfile = "backstage-stock:bench", context / "packages/backend/Dockerfile"
    text = dockerfile.read_text(encoding="utf-8")
    dockerfile.write_text(re.sub(r"^FROM .*", f"FROM {base}", text, flags=re.M), encoding="utf-8")
    image = timed(lambda: engine.build(tag, context, dockerfile, {}, ["--no-cache"]))
    figures.seconds.update({f"clean build, {name}": value for name, value in steps.items()})
    figures.seconds["clean build, image"] = image
    figures.seconds["clean build"] = image + sum(steps.values())
    figures.megabytes = measure_size(tag, base)
    # On the same "host": a new bundle, then a new image.
    rebuild = (f"FROM {host}\nRUN echo \"{ONE_LINE}\" >> packages/backend/src/index.ts\n"
               "RUN start=$(date +%s) && yarn build:backend >/tmp/build.log 2>&1 "
               '&& echo "seconds of bundle: $(($(date +%s) - start))"\n')  # fmt: skip
    changed = directory / "changed.Dockerfile"
    changed.write_text(rebuild, encoding="utf-8")
    log = engine.build(f"{host}-2", here, changed, {}, ["--no-cache"])
    bundle = float(re.findall(r"seconds of bundle: (\d+)", log)[-1])
    copied_out(f"{host}-2", "/stock/app/packages/backend/dist", context / "packages/backend/dist")
    image = timed(lambda: engine.build(f"{tag}-2", context, dockerfile, {}))
    figures.seconds["rebuild after one line"] = bundle + image
    return tag, figures


def copied_out(image: str, path: str, target: Path) -> None:
    """Replaces `target` with a directory of an image, without its node_modules."""
    container = engine.docker("create", image).strip()
    shutil.rmtree(target, ignore_errors=True)
    engine.docker("cp", f"{container}:{path}", str(target))
    engine.docker("rm", container)
    shutil.rmtree(target / "node_modules", ignore_errors=True)


@dataclass
class Candidate:
    """An image under measurement, with its own database."""

    name: str
    image: str
    figures: Figures
    database: Postgres
    pod: PodSpec
    cleanup: ExitStack
    """Removes its containers."""
    container: PortalContainer = field(init=False)

    def run(self, more: Mapping[str, str]) -> PortalContainer:
        """Replaces its container by one with additional variables."""
        pod = replace(self.pod, environment={**self.pod.environment, **more})
        hosts = {HOST: self.database.address}
        name = f"backstage-bench-{self.name}"
        container = PortalContainer(name, self.image, pod, NETWORK, hosts)
        self.cleanup.callback(container.remove)
        return container

    def first_start(self) -> None:
        """Measures the start that migrates an empty database. Leaves a container to restart."""
        migrating = self.run({"APP_CONFIG_backend_database_skipMigrations": "false"})
        self.figures.seconds["to ready, first start"] = migrating.wait_ready(300)
        self.container = self.run({})
        self.container.wait_ready(300)
        self.end()

    def end(self) -> None:
        """Kills the process."""
        self.container.signal("KILL")
        self.container.wait_ended(30)

    def look_at_rest(self) -> None:
        """Measures memory, connections, databases and schemas of the running container."""
        self.figures.memory = self.container.memory()
        count, names, schemas = (
            self.database.query(statement)
            for statement in (
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'administrator'",
                "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'",
                "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_|public$)'",
            )
        )
        self.figures.connections = int(count[0])
        self.figures.databases, self.figures.schemas = len(names), len(schemas)


def measure(candidates: Sequence[Candidate]) -> None:
    """Alternates between the candidates, so a slow minute of the machine affects both."""
    restarts: list[list[float]] = [[] for _ in candidates]
    for _ in range(RESTARTS):
        for each, seconds in zip(candidates, restarts, strict=True):
            seconds.append(each.container.restart())
            each.end()
    for each, seconds in zip(candidates, restarts, strict=True):
        each.figures.seconds["to ready, restart"] = median(seconds)
    for each in candidates:
        each.container.restart()
        time.sleep(REST_SECONDS)
        each.look_at_rest()
        each.end()


def portal_pod(database: Postgres) -> PodSpec:
    """The prod stack's pod with this run's database."""
    subprocess.run([sys.executable, "-m", "tools.preview", "prod"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    pod = PodSpec.read(ROOT / MANIFESTS)
    files = {**pod.files, CA_DIRECTORY: {CA_FILE: database.ca_certificate}}
    return replace(pod, environment={**pod.environment, **connection(database)}, files=files)


def stock_pod(image: str, database: Postgres) -> PodSpec:
    """The stock image's own command under the same limits, with TLS enabled by variables."""
    pod = PodSpec.read(ROOT / MANIFESTS)
    environment = {
        **connection(database), "PGSSLMODE": "require", "NODE_EXTRA_CA_CERTS": "/ca/ca.pem",
        "APP_CONFIG_backend_baseUrl": "https://backstage.example.com",
    }  # fmt: skip
    return replace(
        pod, arguments=engine.inspect("image", image)["Config"]["Cmd"], environment=environment,
        files={"/ca": {"ca.pem": database.ca_certificate}}, user="1000:1000", read_only=False,
    )  # fmt: skip


def connection(database: Postgres) -> Mapping[str, str]:
    """The variables that connect either image to its database."""
    return {
        "POSTGRES_HOST": HOST, "POSTGRES_PORT": str(database.port), "POSTGRES_USER": USER,
        "POSTGRES_PASSWORD": database.password, "AUTH_SESSION_SECRET": "of-this-run-only",
    }  # fmt: skip


def report(portal: Figures, stock: Figures) -> bool:
    """Prints the comparison. Returns True if every target is met."""
    server = engine.docker("version", "--format", "{{.Server.Version}}").strip()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Docker {server}"
    print(f"\n{date.today()}, {machine}, create-app {CREATE_APP}\n")
    rows: list[tuple[str, float | None, float | None, str]] = [
        (f"{key}, MB", portal.megabytes[key], stock.megabytes[key], ".0f")
        for key in stock.megabytes
    ]
    rows += [
        (f"{key}, s", portal.seconds.get(key), stock.seconds[key], ".1f") for key in stock.seconds
    ]
    rows += [
        ("memory at rest, MiB", portal.memory, stock.memory, ".0f"),
        ("databases", portal.databases, stock.databases, ".0f"),
        ("schemas in the portal's database", portal.schemas, None, ".0f"),
        ("connections at rest", portal.connections, stock.connections, ".0f"),
    ]
    print("| | this portal | stock |\n|---|---|---|")
    for label, ours, theirs, form in rows:
        cells = [format(value, form) if value is not None else "" for value in (ours, theirs)]
        print(f"| {label} | {' | '.join(cells)} |")
    above, restart = "layers above the base", "to ready, restart"
    targets = {
        f"{above} at most half of stock's": portal.megabytes[above] <= stock.megabytes[above] / 2,
        "rebuild at most a third of the clean build": portal.seconds["rebuild after one line"]
        <= portal.seconds["clean build"] / 3,
        "restart no slower": portal.seconds[restart] <= stock.seconds[restart],
        "no more memory": portal.memory <= stock.memory,
        "one database": portal.databases == 1,
        f"connections within {BUDGET}": portal.connections <= BUDGET,
    }
    print()
    for target, met in targets.items():
        print(f"{'met   ' if met else 'MISSED'}  {target}")
    ours_only, theirs_only = (
        sorted({*a.plugins} - {*b.plugins}) for a, b in ((portal, stock), (stock, portal))
    )
    print(f"\nBackend plugins and modules: {', '.join(portal.plugins)}")
    print(f"Stock's: {', '.join(stock.plugins)}")
    print(f"Only in this portal: {', '.join(ours_only) or 'none'}")
    print(f"Only in stock: {', '.join(theirs_only) or 'none'}")
    return all(targets.values())


def main() -> int:
    """Builds, runs and compares both. Returns 1 if a target is missed."""
    base = engine.base_image()
    if "NODE_IMAGE" not in os.environ:
        engine.docker("pull", base)  # no build pulls it, so that no build's time includes it
    with tempfile.TemporaryDirectory() as directory, ExitStack() as cleanup:
        prune_caches()
        image, portal = build_portal(Path(directory), base)
        stock_image, stock = build_stock(Path(directory), base)
        address = cleanup.enter_context(engine.network(NETWORK))
        candidates: list[Candidate] = []
        for name, tag, figures in (("portal", image, portal), ("stock", stock_image, stock)):
            database = Postgres(address, name == "stock", PORT + len(candidates))
            cleanup.callback(database.stop)
            pod = portal_pod(database) if name == "portal" else stock_pod(tag, database)
            candidates.append(Candidate(name, tag, figures, database, pod, cleanup))
            candidates[-1].first_start()
        measure(candidates)
    return 0 if report(portal, stock) else 1


if __name__ == "__main__":
    ends_with(main)
