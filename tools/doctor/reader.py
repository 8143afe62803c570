"""kubectl's answers as objects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tools.findings import Unanswered
from tools.kubectl import Cluster

NOT_FOUND, FORBIDDEN, UNAVAILABLE = "(NotFound)", "(Forbidden)", "(ServiceUnavailable)"


@dataclass(frozen=True)
class Reader:
    """Reads in one namespace. Methods raise Unanswered with the last line of kubectl's message."""

    kubectl: Cluster

    def run(self, *arguments: str) -> str:
        """Standard output of kubectl."""
        try:
            return self.kubectl.run(*arguments)
        except (OSError, RuntimeError) as error:
            raise Unanswered(str(error).strip().splitlines()[-1]) from None

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """An object; None if there is none. namespace: another one."""
        elsewhere = ("--namespace", namespace) if namespace else ()
        try:
            text = self.run("get", kind, name, *elsewhere, "--output", "json")
        except Unanswered as error:
            if NOT_FOUND in str(error) or "doesn't have a resource type" in str(error):
                return None
            raise
        found: dict[str, Any] = json.loads(text)
        return found

    def items(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        """Objects of a kind. arguments: further flags."""
        text = self.run("get", kind, *arguments, "--output", "json")
        found: list[dict[str, Any]] = json.loads(text)["items"]
        return found

    def keys_of(self, secret: str) -> set[str] | None:
        """The keys of a Secret, without its values, which stay in kubectl."""
        template = "go-template={{range $key, $_ := .data}}{{$key}}\n{{end}}"
        try:
            return set(self.run("get", "secret", secret, "--output", template).split())
        except Unanswered as error:
            if NOT_FOUND in str(error):
                return None
            raise
