"""cosign itself, with keys of the test's own and a registry on this machine."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.processes import running
from tests.tools.supply.test_signature import COMMIT, JOB, sbom
from tools.supply.__main__ import main

pytestmark = pytest.mark.supply
OTHER_COMMIT = "0" * 40


class Keys(NamedTuple):
    private: str
    public: str


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of an empty registry with OCI's referrers."""
    executable = shutil.which("crane")
    if executable is None or shutil.which("cosign") is None:
        pytest.skip("no cosign or crane on PATH; run `make test-supply`")
    log = tmp_path_factory.mktemp("registry") / "log"
    command = [executable, "registry", "serve", "--address=127.0.0.1:0"]
    with running(command, log) as server:
        yield _address(server, log)


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    for _ in range(100):
        words = log.read_text(encoding="utf-8").split()
        if words and words[-1].isdecimal():
            return f"127.0.0.1:{words[-1]}"
        assert server.poll() is None, log.read_text(encoding="utf-8")
        time.sleep(0.1)
    raise AssertionError("the registry doesn't start")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> list[Keys]:
    """Two key pairs."""
    found = []
    for name in ("ours", "another"):
        folder = tmp_path_factory.mktemp(name)
        subprocess.run(
            ["cosign", "generate-key-pair"],
            cwd=folder,
            env={"PATH": _path(), "COSIGN_PASSWORD": "", "HOME": str(folder)},
            check=True,
            capture_output=True,
        )
        found.append(Keys(str(folder / "cosign.key"), str(folder / "cosign.pub")))
    return found


def _path() -> str:
    executable = shutil.which("cosign")
    assert executable
    return str(Path(executable).parent)


@pytest.fixture(autouse=True)
def job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in JOB.items():
        monkeypatch.setenv(name, value)


def push(registry: str, repository: str) -> str:
    """Pushes an image without layers; returns its reference."""

    def send(method: str, path: str, data: bytes, kind: str) -> str:
        url = path if path.startswith("http") else f"http://{registry}{path}"
        request = urllib.request.Request(url, data, {"Content-Type": kind}, method=method)
        with urllib.request.urlopen(request) as answer:
            return str(answer.headers.get("Location", ""))

    config = json.dumps({"architecture": "amd64", "os": "linux", "author": repository}).encode()
    digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    upload = send("POST", f"/v2/{repository}/blobs/uploads/", b"", "")
    send("PUT", f"{upload}?digest={digest}", config, "application/octet-stream")
    kind = "application/vnd.oci.image"
    described = {"mediaType": f"{kind}.config.v1+json", "digest": digest, "size": len(config)}
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": f"{kind}.manifest.v1+json",
            "config": described,
            "layers": [],
        }
    ).encode()
    send("PUT", f"/v2/{repository}/manifests/1", manifest, f"{kind}.manifest.v1+json")
    return f"{registry}/{repository}@sha256:{hashlib.sha256(manifest).hexdigest()}"


def signed(image: str, key: str, folder: Path) -> int:
    file = folder / "image.json"
    file.write_text(json.dumps(sbom(image.partition("@")[2])), encoding="utf-8")
    return main(["sign", f"--key={key}", f"--sbom={file}", image])


def verified(image: str, key: str, commit: str = COMMIT) -> int:
    return main(["verify", f"--key={key}", f"--commit={commit}", image])


def test_a_signed_image_is_verified_by_its_key_only(
    registry: str, keys: list[Keys], tmp_path: Path
) -> None:
    image, (ours, another) = push(registry, "signed"), keys
    assert signed(image, ours.private, tmp_path) == 0
    assert verified(image, ours.public) == 0
    assert verified(image, another.public) == 1
    assert verified(image, ours.public, OTHER_COMMIT) == 1
    # A key's signature isn't one of the workflow's.
    assert main(["verify", "--repository=OWNER/REPO", image]) == 1


def test_another_image_in_the_repository_is_refused(
    registry: str, keys: list[Keys], tmp_path: Path
) -> None:
    image, (ours, _) = push(registry, "other"), keys
    assert signed(image, ours.private, tmp_path) == 0
    second = f"{registry}/other@{push(registry, 'second').partition('@')[2]}"
    assert verified(second, ours.public) == 1


@pytest.mark.parametrize("left_out", ["signature", "SBOM", "provenance"])
def test_an_image_without_one_of_the_three_is_refused(
    left_out: str, registry: str, keys: list[Keys], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tools.supply import programs

    argument = {"signature": "sign", "SBOM": "--type=cyclonedx",
                "provenance": "--type=slsaprovenance1"}[left_out]  # fmt: skip
    run = programs.run
    image, (ours, _) = push(registry, left_out.lower()), keys
    with monkeypatch.context() as patched:
        patched.setattr(programs, "run", lambda name, arguments: (
            "" if argument in arguments else run(name, arguments)
        ))  # fmt: skip
        assert signed(image, ours.private, tmp_path) == 0
    assert verified(image, ours.public) == 1
