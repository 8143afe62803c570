"""`make bench-image`: size, build times, start and memory of the portal's image and of the image of
a freshly scaffolded app, measured in one run. Needs what the end-to-end test needs.

A clean build uses no layer and no cache mount of an earlier one. A restart is the median of five,
the two images in turn. Memory is what `docker stats` shows five minutes after a restart.
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
from settings.app_config import AppConfig
from settings.model import SHIPPED_PLUGINS
from tools.container import engine
from tools.container.portal import PodSpec, PortalContainer
from tools.container.postgres import HOST, PORT, USER, Postgres

ROOT = Path(__file__).resolve().parent.parent.parent
CREATE_APP = "0.9.2"
YARN = "4.13.0"
NETWORK = "backstage-bench"
MANIFESTS = "build/preview/prod/manifests"
RESTARTS = 5
APP_CONFIG = AppConfig.load("assets/app-config.production.yaml")
BUDGET = SHIPPED_PLUGINS * APP_CONFIG.pool_size  # connections that the settings count for one pod
# Node gives memory of the start back with its first full collection, after one to four minutes.
REST_SECONDS = 300
ONE_LINE = f"console.log('one line more, {secrets.token_hex(4)}');"  # that no earlier run has built


@dataclass
class Figures:
    """What was measured of one image."""

    plugins: list[str]
    seconds: dict[str, float] = field(default_factory=dict)
    megabytes: dict[str, float] = field(default_factory=dict)
    memory: float = 0
    databases: int = 0
    schemas: int = 0
    connections: int = 0


def timed(action: Callable[[], object]) -> float:
    """Seconds that an action takes."""
    start = time.monotonic()
    action()
    return time.monotonic() - start


def plugins(app: Path) -> list[str]:
    """The backend plugins and modules that an app's backend depends on."""
    manifest = json.loads((app / "packages/backend/package.json").read_text(encoding="utf-8"))
    return sorted(
        name for name in manifest["dependencies"] if "/plugin-" in name and "backend" in name
    )


def measure_size(image: str, base: str) -> dict[str, float]:
    """Megabytes (10^6 bytes) of an image, and of its layers above the base."""
    size, below = (engine.inspect("image", each)["Size"] / 1e6 for each in (image, base))
    return {"image": size, "layers above the base": size - below}


def prune_caches() -> None:
    """Empties the build's cache mounts."""
    engine.docker("builder", "prune", "--force", "--filter", "type=exec.cachemount")


def add_line(app: Path) -> None:
    """The one-line change after which an image is built again."""
    with (app / "packages/backend/src/index.ts").open("a", encoding="utf-8") as source:
        source.write(f"{ONE_LINE}\n")


def build_portal(directory: Path, base: str) -> tuple[str, Figures]:
    """Builds portal/ twice: clean, and after a one-line change."""
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
    """Scaffolds an app, builds it as on a host, then its image with its own Dockerfile; twice."""
    here, host = Path(__file__).parent, "backstage-stock:host"
    arguments = {"CREATE_APP": CREATE_APP, "YARN": YARN, "NODE_IMAGE": base}
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
    # The same change, on the same "host": a new bundle, then a new image.
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
    """Replaces `target` by a directory of an image, without what was installed into it."""
    container = engine.docker("create", image).strip()
    shutil.rmtree(target, ignore_errors=True)
    engine.docker("cp", f"{container}:{path}", str(target))
    engine.docker("rm", container)
    shutil.rmtree(target / "node_modules", ignore_errors=True)


@dataclass
class Candidate:
    """An image under measurement, with a database of its own."""

    name: str
    image: str
    figures: Figures
    database: Postgres
    pod: PodSpec
    cleanup: ExitStack
    """Removes every container of it."""
    container: PortalContainer = field(init=False)

    def run(self, more: Mapping[str, str]) -> PortalContainer:
        """A container of it in place of an earlier one, with variables beside the pod's."""
        pod = replace(self.pod, environment={**self.pod.environment, **more})
        hosts = {HOST: self.database.address}
        name = f"backstage-bench-{self.name}"
        container = PortalContainer(name, self.image, pod, NETWORK, hosts)
        self.cleanup.callback(container.remove)
        return container

    def first_start(self) -> None:
        """Against an empty database, which it migrates; the portal's pods leave that to a Job."""
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
        """Memory, connections, databases and schemas of the running container."""
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
    """One at a time and in turn, so that a slower minute of the machine meets both."""
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
    """The prod stack's pod, with this run's database."""
    subprocess.run([sys.executable, "-m", "tools.preview", "prod"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    pod = PodSpec.read(ROOT / MANIFESTS)
    files = {**pod.files, CA_DIRECTORY: {CA_FILE: database.ca_certificate}}
    return replace(pod, environment={**pod.environment, **connection(database)}, files=files)


def stock_pod(image: str, database: Postgres) -> PodSpec:
    """The stock image's own command under the same limits, with TLS switched on from outside."""
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
    """The variables with which both find the database."""
    return {
        "POSTGRES_HOST": HOST, "POSTGRES_PORT": str(database.port), "POSTGRES_USER": USER,
        "POSTGRES_PASSWORD": database.password, "AUTH_SESSION_SECRET": "of-this-run-only",
    }  # fmt: skip


def report(portal: Figures, stock: Figures) -> bool:
    """Prints both, side by side, the targets, and the plugins; whether every target is met."""
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
    """Builds both, runs both, prints the table. Returns 1 where a target is missed."""
    base = os.environ.get("NODE_IMAGE")
    if not base:
        text = (ROOT / "image/multi-stage.Dockerfile").read_text(encoding="utf-8")
        base = re.search(r"^ARG NODE_IMAGE=(.*)$", text, re.M).group(1)  # type: ignore[union-attr]
        engine.docker("pull", base)
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
    sys.exit(main())
