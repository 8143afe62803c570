"""One namespace of the cluster that kubectl points at."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

Manifest = dict[str, Any]


class Cluster:
    """What kubectl does in a namespace. Every method raises RuntimeError with kubectl's message."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def run(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Standard output of a kubectl command."""
        done = subprocess.run(  # noqa: S603, arguments are this project's own
            ["kubectl", "--namespace", self.namespace, *arguments],  # noqa: S607
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments[:4])}: {done.stderr.strip()}")
        return done.stdout

    def get(self, kind: str, *arguments: str) -> list[Manifest]:
        """Objects of a kind; `arguments` may select them."""
        found: list[Manifest] = json.loads(self.run("get", kind, *arguments, "--output", "json"))[
            "items"
        ]
        return found

    def apply(self, objects: Sequence[Manifest]) -> None:
        """Creates objects or changes them, in the order given."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        # Server-side, as the program's own provider does it.
        self.run(
            "apply", "--server-side", "--force-conflicts", "--filename", "-",
            stdin=json.dumps(items),
        )  # fmt: skip

    def patch(self, kind: str, name: str, change: Manifest) -> None:
        """A strategic merge patch."""
        self.run("patch", kind, name, "--patch", json.dumps(change))

    def new_namespace(self) -> None:
        """Creates the namespace, empty: one of that name goes first."""
        self.delete_namespace()
        self.run("create", "namespace", self.namespace)

    def delete_namespace(self) -> None:
        """Deletes the namespace and everything in it, and waits until it is gone."""
        self.run("delete", "namespace", self.namespace, "--ignore-not-found", "--timeout", "180s")

    def wait_job(self, name: str, seconds: float) -> None:
        """Waits until a Job is done. Raises RuntimeError with its log where it failed."""

        def ended() -> bool:
            (job,) = self.get("jobs", "--field-selector", f"metadata.name={name}")
            status = job.get("status", {})
            if status.get("failed"):
                raise RuntimeError(f"Job {name} failed:\n{self.run('logs', f'job/{name}')}")
            return bool(status.get("succeeded"))

        self.until(ended, seconds, f"Job {name} is done")

    def until(self, reached: Callable[[], bool], seconds: float, what: str) -> None:
        """Waits for something. Raises TimeoutError that says for what."""
        end = time.monotonic() + seconds
        while not reached():
            if time.monotonic() > end:
                raise TimeoutError(f"not within {seconds:.0f} s: {what}")
            time.sleep(0.5)
