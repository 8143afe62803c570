"""Runs the portal's containers as the manifests of the offline preview describe them."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from components.kubernetes.health import READINESS
from tools.container.engine import docker, inspect, mebibytes

_UNITS = {"Mi": "m", "Gi": "g"}


@dataclass(frozen=True)
class PodSpec:
    """A pod's only container, as its manifest describes it."""

    arguments: list[str]
    environment: dict[str, str]
    """Values unknown before an update are placeholders, __SECRET:...__."""
    files: dict[str, dict[str, str]]
    """Texts of ConfigMaps and Secrets by mount path, then by file name."""
    writable: list[str]
    user: str
    """uid:gid"""
    memory: str
    """In Docker's notation: 2g."""
    port: int | None
    """The port it listens on, if any."""
    grace_seconds: int
    """From SIGTERM to SIGKILL: the grace period less preStop."""
    read_only: bool = True
    """Of the root file system."""

    @classmethod
    def read(cls, manifests: Path, kind: str = "Deployment", name: str = "backstage") -> PodSpec:
        """Reads a Deployment or Job from the directory that `make preview` wrote.

        Raises ValueError if the pod isn't restricted: Docker would run it with other rights.
        """
        objects = [yaml.safe_load(file.read_text("utf-8")) for file in manifests.glob("*.yaml")]
        named = {(each["kind"], each["metadata"]["name"]): each for each in objects}
        pod = named[kind, name]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        security = container["securityContext"]
        if not security["readOnlyRootFilesystem"] or security["capabilities"] != {"drop": ["ALL"]}:
            raise ValueError(f"the {kind}'s security context is not the restricted one")
        environment: dict[str, str] = {}
        for source in container["envFrom"]:
            environment |= named["Secret", source["secretRef"]["name"]]["stringData"]
        environment |= {each["name"]: each["value"] for each in container["env"]}
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        files: dict[str, dict[str, str]] = {}
        writable: list[str] = []
        for mount in container["volumeMounts"]:
            volume = volumes[mount["name"]]
            if "configMap" in volume:
                name = volume["configMap"]["name"]
                files[mount["mountPath"]] = dict(named["ConfigMap", name]["data"])
            elif "secret" in volume:
                name = volume["secret"]["secretName"]
                files[mount["mountPath"]] = dict(named["Secret", name]["stringData"])
            else:
                writable.append(mount["mountPath"])
        limit = container["resources"]["limits"]["memory"]
        pre_stop = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {})
        account = pod["securityContext"]
        return cls(
            arguments=container["args"],
            environment=environment,
            files=files,
            writable=writable,
            user=f"{account['runAsUser']}:{account['runAsGroup']}",
            memory=limit[:-2] + _UNITS[limit[-2:]],
            port=container["ports"][0]["containerPort"] if "ports" in container else None,
            grace_seconds=pod.get("terminationGracePeriodSeconds", 30) - pre_stop.get("seconds", 0),
        )


@dataclass(frozen=True)
class Answer:
    """An HTTP response; status 0 means no response."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


def get(
    url: str,
    headers: Mapping[str, str] | None = None,
    timeout: float = 10,
    body: bytes | None = None,
) -> Answer:
    """Sends a GET request over a new connection; with a body, a POST request."""
    request = urllib.request.Request(url, body, dict(headers or {}))  # noqa: S310, http only
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310
            return Answer(response.status, response.read().decode(), dict(response.headers))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode(), dict(error.headers))
    except OSError as error:
        return Answer(0, str(error))


class PortalContainer:
    """A container started like the kubelet starts the pod's."""

    def __init__(
        self,
        name: str,
        image: str,
        pod: PodSpec,
        network: str,
        hosts: Mapping[str, str],
        arguments: Sequence[str] | None = None,
    ) -> None:
        docker("rm", "--force", name, check=False)
        self.name = name
        self._directory = Path(tempfile.mkdtemp(prefix="portal-container-"))
        options = ["--memory", pod.memory, "--memory-swap", pod.memory, "--user", pod.user,
                   "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
                   "--network", network]  # fmt: skip
        if pod.read_only:
            options.append("--read-only")
        for host, address in hosts.items():
            options += ["--add-host", f"{host}:{address}"]
        uid, gid = (int(part) for part in pod.user.split(":"))
        for number, path in enumerate(pod.writable):
            directory = self._directory / f"writable-{number}"
            directory.mkdir()
            shutil.chown(directory, uid, gid)
            options += ["--volume", f"{directory}:{path}"]
        for number, (path, texts) in enumerate(pod.files.items()):
            directory = self._directory / f"files-{number}"
            directory.mkdir(mode=0o755)
            for file, text in texts.items():
                (directory / file).write_text(text, encoding="utf-8")
            options += ["--volume", f"{directory}:{path}:ro"]
        self._directory.chmod(0o755)
        for key, value in pod.environment.items():
            options += ["--env", f"{key}={value}"]
        self.ready_after = 0.0
        """Seconds from the start until it was ready; set by `wait_ready`."""
        self.started = time.monotonic()
        docker("run", "--detach", "--name", name, *options, image, *(arguments or pod.arguments))
        self._port = pod.port
        self.address = self._find_address()

    def _find_address(self) -> str:
        (network,) = inspect("container", self.name)["NetworkSettings"]["Networks"].values()
        return f"{network['IPAddress']}:{self._port}"

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Sends a GET request to the portal's port."""
        return get(f"http://{self.address}{path}", headers)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Sends a POST request to the portal's port."""
        return get(f"http://{self.address}{path}", headers, body=body)

    def state(self) -> Any:
        """Docker's view: Running, ExitCode, OOMKilled, ..."""
        return inspect("container", self.name)["State"]

    def logs(self) -> str:
        """The container's standard output and standard error."""
        return docker("logs", self.name, errors=True)

    def wait_ready(self, seconds: float = 180) -> float:
        """Waits until readiness is 200. Returns the seconds since the start.

        Raises TimeoutError, or RuntimeError if the container has ended.
        """
        while time.monotonic() - self.started < seconds:
            if self.get(READINESS).status == 200:
                self.ready_after = time.monotonic() - self.started
                return self.ready_after
            if not self.state()["Running"]:
                raise RuntimeError(f"the portal ended:\n{self.logs()[-3000:]}")
            time.sleep(0.1)
        raise TimeoutError(f"not ready within {seconds:.0f} s:\n{self.logs()[-3000:]}")

    def wait_ended(self, seconds: float) -> int:
        """The exit code. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            state = self.state()
            if not state["Running"]:
                return int(state["ExitCode"])
            time.sleep(0.1)
        raise TimeoutError(f"still running after {seconds:.0f} s")

    def restart(self) -> float:
        """Starts the stopped container. Returns the seconds until it is ready."""
        self.started = time.monotonic()
        docker("start", self.name)
        self.address = self._find_address()
        return self.wait_ready()

    def memory(self) -> float:
        """MiB in use, without the file cache."""
        return mebibytes(docker("stats", "--no-stream", "--format", "{{.MemUsage}}", self.name))

    def signal(self, name: str) -> None:
        """Sends a signal, such as TERM, to process 1."""
        docker("kill", "--signal", name, self.name)

    def remove(self) -> None:
        """Kills the container and deletes its volumes and files."""
        docker("rm", "--force", "--volumes", self.name, check=False)
        shutil.rmtree(self._directory, ignore_errors=True)
