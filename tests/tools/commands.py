"""Scripts in place of a machine's commands."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest


class Commands:
    """Scripts alone on PATH, by name. Each logs its arguments, and variables that it is told to."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / "bin"
        self.path.mkdir()
        self._log = folder / "log"
        self._log.touch()
        monkeypatch.setenv("PATH", str(self.path))

    def add(self, name: str, script: str, log: str = "$*") -> None:
        """A script for /bin/sh. log: what it logs, as text in double quotes."""
        file = self.path / name
        text = f'#!/bin/sh\necho "{name} {log}" >> {shlex.quote(str(self._log))}\n{script}\n'
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)

    def prints(self, name: str, answer: str) -> None:
        """A command that always prints the same."""
        self.add(name, f"printf '%s' {shlex.quote(answer)}")

    def fails(self, name: str, message: str) -> None:
        """A command that always fails with a message."""
        self.add(name, f"printf '%s\\n' {shlex.quote(message)} >&2; exit 254")

    @property
    def log(self) -> list[str]:
        """Every run, in order."""
        return self._log.read_text(encoding="utf-8").splitlines()


def eks_script(status: str = "ACTIVE") -> str:
    """An AWS CLI for an identity that may describe the cluster of the stack prod, and itself."""
    caller = {"Account": "123456789012", "Arn": "arn:aws:sts::123456789012:assumed-role/ci/x"}
    cluster = {
        "name": "platform-prod",
        "status": status,
        "version": "1.35",
        "endpoint": "https://eks.test",
        "certificateAuthority": {"data": "Y2E="},
        "resourcesVpcConfig": {"vpcId": "vpc-0", "subnetIds": ["subnet-0"]},
    }
    refused = "An error occurred (AccessDeniedException) when calling the X operation: refused"
    return f"""case "$1 $2" in
"sts get-caller-identity") echo '{json.dumps(caller)}';;
"eks describe-cluster") echo '{json.dumps({"cluster": cluster})}';;
"--version ") echo aws-cli/2.30.1;;
*) echo "{refused}" >&2; exit 254;;
esac"""


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    return Commands(tmp_path, monkeypatch)
