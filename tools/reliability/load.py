"""Load on a portal, sent from a pod that runs the portal's own image."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from tools.kubectl import Cluster

SCRIPT = Path(__file__).with_name("load.js")
NAMESPACE = "backstage-load"  # prefix; each run adds a random suffix, so that runs can overlap
TIMEOUT = 10  # seconds until a request counts as failed
WARM_UP = 5  # seconds of load before and after what is measured
USER = 10001


@dataclass(frozen=True)
class Endpoint:
    """Where requests go, and what they request."""

    url: str
    """Scheme, host name or address, and port."""
    paths: Sequence[Mapping[str, Any]]
    """Requested in turn: `path` and optional `headers`. Only what users request: the readiness
    path answers 503 on purpose while a pod shuts down and still serves everything else."""
    host: str = ""
    """Host header and TLS server name, if the URL has an address."""
    ca: str = ""
    """PEM certificate to trust with https."""


@dataclass(frozen=True)
class Sample:
    """One request."""

    at: float
    """When it was sent, in seconds since the epoch."""
    seconds: float
    """Until the last byte of the response."""
    status: str
    """HTTP status or the error code of the connection."""
    path: str

    @property
    def failed(self) -> bool:
        """Any status but 200: also the 404 of a portal whose plugins aren't registered yet."""
        return self.status != "200"


@dataclass
class Outcome:
    """The requests of one measurement."""

    samples: list[Sample] = field(default_factory=list)
    """In the order of sending."""
    name: str = ""
    """Of the fault."""
    since: float = 0.0
    """When the fault was injected, in seconds since the epoch."""
    until: float = 0.0
    """When the portal had settled again."""

    @property
    def failures(self) -> list[Sample]:
        """Failed requests in the order of sending."""
        return [sample for sample in self.samples if sample.failed]

    @property
    def window(self) -> float:
        """Seconds from sending the first failed request to the end of the last; 0 without any."""
        failures = self.failures
        if not failures:
            return 0.0
        end = max(each.at + each.seconds for each in failures)
        return end - min(each.at for each in failures)

    @property
    def slowest(self) -> float:
        """Duration of the slowest successful request in seconds."""
        return max((each.seconds for each in self.samples if not each.failed), default=0.0)

    @property
    def errors(self) -> dict[str, int]:
        """Failures by status or error code, most frequent first."""
        return dict(Counter(each.status for each in self.failures).most_common())

    def write(self, file: Path) -> None:
        """Stores the outcome as JSON, with times relative to the first request."""
        file.parent.mkdir(parents=True, exist_ok=True)
        first = min(sample.at for sample in self.samples)
        file.write_text(
            json.dumps(
                {
                    "name": self.name,
                    "since": self.since - first,
                    "until": self.until - first,
                    "samples": [
                        [round(each.at - first, 3), round(each.seconds, 3), each.status, each.path]
                        for each in self.samples
                    ],
                }
            ),
            encoding="utf-8",
        )

    @classmethod
    def read(cls, file: Path) -> Outcome:
        """Reads a stored outcome; its times are relative to the first request."""
        stored = json.loads(file.read_text(encoding="utf-8"))
        samples = [Sample(*sample) for sample in stored["samples"]]
        return cls(samples, stored["name"], stored["since"], stored["until"])


class Load:
    """A context that sends requests and fills `outcome` when it exits.

    image: the load generator's, with node. rate: requests per second. requests: the least number to
    send, even if the context exits earlier. name: of the fault.
    """

    def __init__(
        self, endpoint: Endpoint, image: str, rate: float, requests: int, name: str = ""
    ) -> None:
        self.outcome = Outcome(name=name)
        self._endpoint, self._image = endpoint, image
        self._rate, self._requests = rate, requests
        self._cluster = Cluster(f"{NAMESPACE}-{secrets.token_hex(3)}")

    def __enter__(self) -> Load:
        self._cluster.new_namespace()
        settings = {
            "url": self._endpoint.url,
            "rate": self._rate,
            "requests": self._requests,
            "paths": list(self._endpoint.paths),
            "host": self._endpoint.host,
            "ca": self._endpoint.ca,
            "timeoutSeconds": TIMEOUT,
        }
        script = {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "load"},
            "data": {SCRIPT.name: SCRIPT.read_text(encoding="utf-8")},
        }  # fmt: skip
        container = {
            "name": "load",
            "image": self._image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["node", f"/load/{SCRIPT.name}"],
            "env": [{"name": "LOAD", "value": json.dumps(settings)}],
            "volumeMounts": [{"name": "load", "mountPath": "/load"}],
            "securityContext": {
                "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
                "runAsNonRoot": True, "runAsUser": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        }  # fmt: skip
        pod = {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "load"},
            "spec": {
                "restartPolicy": "Never", "automountServiceAccountToken": False,
                "containers": [container],
                "volumes": [{"name": "load", "configMap": {"name": "load"}}],
            },
        }  # fmt: skip
        self._cluster.apply([script, pod])
        self._cluster.until(lambda: "start" in self._log(), 120, "the load has started")
        time.sleep(WARM_UP)
        self.outcome.since = time.time()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.outcome.until = time.time()
        try:
            if error is None:
                time.sleep(WARM_UP)
                self._cluster.run("exec", "load", "--", "node", "-e", "process.kill(1, 'SIGTERM')")
                seconds = self._requests / self._rate + 60
                self._cluster.until(self._ended, seconds, "the load has ended")
                self.outcome.samples = parse(self._log(), self._endpoint.paths)
        finally:
            self._cluster.delete_namespace()

    def _log(self) -> str:
        return self._cluster.run("logs", "load", check=False)

    def _ended(self) -> bool:
        (pod,) = self._cluster.get("pods")
        return bool(pod["status"]["phase"] == "Succeeded")


def parse(log: str, paths: Sequence[Mapping[str, Any]]) -> list[Sample]:
    """Reads the output of load.js, which is in the order of completion."""
    first, *lines = log.splitlines()
    started = int(first.split()[1]) / 1000
    samples = []
    for line in lines:
        at, duration, status, index = line.split()
        samples.append(
            Sample(
                started + int(at) / 1000, int(duration) / 1000, status, paths[int(index)]["path"]
            )
        )
    return sorted(samples, key=lambda sample: sample.at)
