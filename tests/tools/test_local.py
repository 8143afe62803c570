"""`make local`: what it checks first, and what it runs."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from urllib.error import URLError

import pytest

from tools import local

VALUES = {"backstage:imageRepository": "backstage-portal", "backstage:imageTag": "local"}
PASSPHRASE = {"PULUMI_CONFIG_PASSPHRASE": "x"}


class Machine:
    """Scripts named kubectl and pulumi, alone on PATH; each logs its arguments."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bin"
        self.path.mkdir()
        self._log = folder / "log"
        self._log.touch()
        self.pulumi()
        self.nodes_have("docker.io/library/backstage-portal:local")

    def pulumi(self, fails_at: str = "none") -> None:
        """`pulumi`, whose command `fails_at` exits with 3."""
        log = shlex.quote(str(self._log))
        self._script(
            "pulumi",
            f'echo "$PULUMI_BACKEND_URL $*" >> {log}\ncase "$1" in {fails_at}) exit 3;; esac',
        )

    def nodes_have(self, image: str) -> None:
        """A cluster of the context kind-kind; every node has `image` and one without a name."""
        nodes = {"items": [{"status": {"images": [{"names": [image]}, {"names": None}]}}]}
        self._script(
            "kubectl",
            f'case "$*" in *current-context*) echo kind-kind;; '
            f"*) printf '%s' {shlex.quote(json.dumps(nodes))};; esac",
        )

    def cluster_is_down(self) -> None:
        log = shlex.quote(str(self._log))
        self._script("kubectl", f'echo "$*" >> {log}\necho first >&2\necho no route >&2\nexit 1')

    def _script(self, name: str, text: str) -> None:
        script = self.path / name
        script.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        script.chmod(0o755)

    @property
    def log(self) -> list[str]:
        """A line for each run of pulumi: the backend and the arguments."""
        return self._log.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    found = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(found.path))
    monkeypatch.setattr(local, "ENGINE", tmp_path / "engine")
    monkeypatch.setattr(local, "STATE", tmp_path / "state")
    for name in (*PASSPHRASE, "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_BACKEND_URL"):
        monkeypatch.delenv(name, raising=False)
    return found


def subjects(values: dict[str, str], environment: dict[str, str]) -> list[str]:
    return [each.partition(":")[0] for each in local.missing(values, environment)]


@pytest.mark.parametrize("variable", ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])
@pytest.mark.usefixtures("machine")
def test_nothing_is_missing(variable: str) -> None:
    assert subjects(VALUES, {variable: "x"}) == []


def test_everything_missing_is_reported_at_once(machine: Machine) -> None:
    for script in machine.path.iterdir():
        script.unlink()
    assert subjects(VALUES, {}) == ["engine", "passphrase", "context"]


def test_own_engine_wins_over_path(machine: Machine) -> None:
    assert local.engine() == str(machine.path / "pulumi")
    own = local.ENGINE / "bin" / "pulumi"
    own.parent.mkdir(parents=True)
    own.touch()
    assert local.engine() == str(own)


def test_unreachable_cluster_shows_the_last_line_of_kubectl(machine: Machine) -> None:
    machine.cluster_is_down()
    [problem] = local.missing({**VALUES, "backstage:kubeContext": "k3d"}, PASSPHRASE)
    assert problem.startswith("context: k3d doesn't answer (no route)\n  fix: start")
    assert [line.split()[:2] for line in machine.log] == [["--context", "k3d"]]


def test_image_on_no_node_is_missing(machine: Machine) -> None:
    machine.nodes_have("docker.io/library/backstage-portal:other")
    [problem] = local.missing(VALUES, PASSPHRASE)
    build = "docker build --tag backstage-portal:local --file image/multi-stage.Dockerfile portal"
    assert problem == (
        "image: no node has backstage-portal:local\n"
        f"  fix: {build} && kind load docker-image backstage-portal:local\n"
        f"  or:  {build} && minikube image load backstage-portal:local\n"
        f"  or:  {build} && k3d image import backstage-portal:local"
    )


@pytest.mark.parametrize(
    "values",
    [
        {"backstage:imageRepository": "ghcr.io/a/b"},
        {"backstage:appPath": "portal"},
        {"backstage:imageDigest": "sha256:0"},
    ],
    ids=["pulled", "built", "digest"],
)
def test_image_from_elsewhere_needs_no_node(values: dict[str, str], machine: Machine) -> None:
    machine.nodes_have("docker.io/library/backstage-portal:other")
    assert subjects({**VALUES, **values}, PASSPHRASE) == []


def test_nothing_runs_while_something_is_missing(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert local.main([]) == 1
    assert capsys.readouterr().err.startswith("Nothing was started. Missing:\n- passphrase: ")
    assert machine.log == []


@pytest.mark.parametrize("backend", [None, "s3://state"], ids=["own state", "given backend"])
def test_stack_is_created_and_updated(
    backend: str | None,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(*next(iter(PASSPHRASE.items())))
    if backend:
        monkeypatch.setenv("PULUMI_BACKEND_URL", backend)
    assert local.main([]) == 0
    assert "kind-kind" in capsys.readouterr().out
    url = backend or local.STATE.as_uri()
    assert machine.log == [
        f"{url} stack select --create local",
        f"{url} install",
        f"{url} up --stack local",
    ]
    assert local.STATE.is_dir() is (backend is None)


def test_failed_command_ends_with_its_code(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*next(iter(PASSPHRASE.items())))
    machine.pulumi(fails_at="install")
    assert local.main([]) == 3
    assert [line.split()[1] for line in machine.log] == ["stack", "install"]


def test_engine_that_cannot_be_downloaded_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def offline(**_: object) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setattr("pulumi.automation.PulumiCommand.install", offline)
    assert local.main(["--install-engine"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: Pulumi {local.ENGINE_VERSION} can't be downloaded: ")
