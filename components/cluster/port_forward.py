"""A Service without an Ingress."""

from __future__ import annotations

import shlex


def port_forward(context: str | None, namespace: str, service: str, port: int) -> str:
    """The command that forwards a Service's port to this machine. context: None: the current."""
    chosen = ["--context", context] if context else []
    words = ("--namespace", namespace, "port-forward", f"service/{service}", str(port))
    return shlex.join(["kubectl", *chosen, *words])
