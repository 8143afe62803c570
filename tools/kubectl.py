"""kubectl against one namespace of a cluster."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

Manifest = dict[str, Any]
_LOG = re.compile(r"[EIW][0-9]{4} [0-9:.]+ ")  # of client-go, once for each attempt


def _said(printed: str) -> str:
    """kubectl's message without the log above it."""
    lines = printed.strip().splitlines()
    return "\n".join([each for each in lines if not _LOG.match(each)] or lines)


class Cluster:
    """One namespace. Methods raise RuntimeError with kubectl's error message.

    options: of every command, such as those that choose another cluster.
    """

    def __init__(self, namespace: str, options: Sequence[str] = ()) -> None:
        self.namespace, self.options = namespace, options

    def run(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Runs kubectl and returns its standard output, also after a failure if `check` is off."""
        done = subprocess.run(  # noqa: S603, arguments are this project's own
            ["kubectl", *self.options, "--namespace", self.namespace, *arguments],  # noqa: S607
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments[:4])}: {_said(done.stderr)}")
        return done.stdout

    def get(self, kind: str, *arguments: str) -> list[Manifest]:
        """Lists objects of a kind. arguments: further flags, such as a selector."""
        found: list[Manifest] = json.loads(self.run("get", kind, *arguments, "--output", "json"))[
            "items"
        ]
        return found

    def apply(self, objects: Sequence[Manifest]) -> None:
        """Applies objects server-side, as the Pulumi provider does, in the given order."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.run(
            "apply", "--server-side", "--force-conflicts", "--filename", "-",
            stdin=json.dumps(items),
        )  # fmt: skip

    def patch(self, kind: str, name: str, change: Manifest) -> None:
        """Applies a strategic merge patch."""
        self.run("patch", kind, name, "--patch", json.dumps(change))

    def new_namespace(self) -> None:
        """Creates the namespace, after deleting an existing one of that name."""
        self.delete_namespace()
        self.run("create", "namespace", self.namespace)

    def delete_namespace(self) -> None:
        """Deletes the namespace and waits up to 180 s for it; no-op if there is none."""
        self.run("delete", "namespace", self.namespace, "--ignore-not-found", "--timeout", "180s")

    def wait_job(self, name: str, seconds: float) -> None:
        """Waits for a Job to succeed. Raises RuntimeError with its log if it fails."""

        def ended() -> bool:
            (job,) = self.get("jobs", "--field-selector", f"metadata.name={name}")
            status = job.get("status", {})
            if status.get("failed"):
                raise RuntimeError(f"Job {name} failed:\n{self.run('logs', f'job/{name}')}")
            return bool(status.get("succeeded"))

        self.until(ended, seconds, f"Job {name} has succeeded")

    def until(self, reached: Callable[[], bool], seconds: float, what: str) -> None:
        """Polls every 0.5 s. Raises TimeoutError; `what` completes "not within 60 s: ..."."""
        end = time.monotonic() + seconds
        while not reached():
            if time.monotonic() > end:
                raise TimeoutError(f"not within {seconds:.0f} s: {what}")
            time.sleep(0.5)
