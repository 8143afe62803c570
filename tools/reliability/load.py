"""A steady load on the portal, sent from a pod of the portal's own image."""

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

from tools.reliability.cluster import Cluster

SCRIPT = Path(__file__).with_name("load.js")
NAMESPACE = "backstage-load"  # and a suffix, so that two runs on a cluster keep apart
TIMEOUT = 10  # seconds after which a request has failed
WARM_UP = 5  # seconds of load before anything is done to the portal
USER = 10001


@dataclass(frozen=True)
class Way:
    """Where requests go, and what they ask for."""

    url: str
    """With the scheme, the host or address to connect to, and the port."""
    paths: Sequence[Mapping[str, Any]]
    """Asked for by turns: `path`, and `headers` where it needs some."""
    host: str = ""
    """For the Host header and the certificate, where the URL has an address."""
    ca: str = ""
    """PEM certificate to trust, with https."""


@dataclass(frozen=True)
class Sample:
    """One request."""

    at: float
    """Seconds since the epoch at which it was sent."""
    seconds: float
    """Until the last byte of the answer."""
    status: str
    """HTTP status, or the code of the connection's error."""
    path: str

    @property
    def failed(self) -> bool:
        """Whether the user saw anything but the page."""
        return self.status != "200"


@dataclass
class Outcome:
    """What the users saw."""

    samples: list[Sample] = field(default_factory=list)
    name: str = ""
    """What happened to the portal."""
    since: float = 0.0
    """When the portal was first touched, in seconds since the epoch."""
    until: float = 0.0
    """When it was whole again."""

    @property
    def failures(self) -> list[Sample]:
        """Every request without its page."""
        return [sample for sample in self.samples if sample.failed]

    @property
    def window(self) -> float:
        """Seconds from the first failed request to the last one's end; 0 without any."""
        bad = self.failures
        if not bad:
            return 0.0
        return max(each.at + each.seconds for each in bad) - min(each.at for each in bad)

    @property
    def slowest(self) -> float:
        """Seconds of the slowest request that was answered."""
        return max((each.seconds for each in self.samples if not each.failed), default=0.0)

    @property
    def errors(self) -> dict[str, int]:
        """How often each status or error code other than 200 came."""
        return dict(Counter(each.status for each in self.failures).most_common())

    def write(self, file: Path) -> None:
        """Stores it for the table and the plot."""
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
        """What `write` stored; times then count from the first request."""
        stored = json.loads(file.read_text(encoding="utf-8"))
        samples = [Sample(*sample) for sample in stored["samples"]]
        return cls(samples, stored["name"], stored["since"], stored["until"])


class Load:
    """Requests for as long as the context is open, and at least as many as were asked for.

    rate: requests a second. requests: the least number. name: what happens meanwhile.
    """

    def __init__(self, way: Way, image: str, rate: float, requests: int, name: str = "") -> None:
        self.outcome = Outcome(name=name)
        self._way, self._image, self._rate, self._requests = way, image, rate, requests
        self._cluster = Cluster(f"{NAMESPACE}-{secrets.token_hex(3)}")

    def __enter__(self) -> Load:
        self._cluster.new_namespace()
        settings = {
            "url": self._way.url,
            "rate": self._rate,
            "requests": self._requests,
            "paths": list(self._way.paths),
            "host": self._way.host,
            "ca": self._way.ca,
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
        self._cluster.until(lambda: "start" in self._log(), 120, "the load starts")
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
                self._cluster.until(self._ended, seconds, "the load ends")
                self._read(self._log())
        finally:
            self._cluster.delete_namespace()

    def _log(self) -> str:
        return self._cluster.run("logs", "load", check=False)

    def _ended(self) -> bool:
        (pod,) = self._cluster.get("pods")
        return bool(pod["status"]["phase"] == "Succeeded")

    def _read(self, log: str) -> None:
        first, *lines = log.splitlines()
        started = int(first.split()[1]) / 1000
        for line in lines:
            at, taken, status, path = line.split()
            self.outcome.samples.append(
                Sample(
                    started + int(at) / 1000,
                    int(taken) / 1000,
                    status,
                    self._way.paths[int(path)]["path"],
                )
            )
        self.outcome.samples.sort(key=lambda sample: sample.at)
