"""assets/migrate.js with a portal of a few lines."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import pytest

from tests.assets.node import needs_node, run, start

pytestmark = needs_node

NOT_MIGRATED = "\nThe database was not migrated; the running pods are unchanged.\n"
SERVES = """
require('http')
  .createServer((request, response) => {
    response.statusCode = request.url === '/ready' ? STATUS : 404;
    response.end();
  })
  .listen(process.env.APP_PORT, () => console.log('listening'));
process.on('SIGTERM', () => { console.log('stopped'); process.exit(0); });
"""


@pytest.fixture
def variables() -> dict[str, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return {"APP_PORT": str(port), "READINESS_PATH": "/ready", "MIGRATION_SECONDS": "20"}


def portal(folder: Path, program: str) -> str:
    """Writes the portal's program; returns its name."""
    (folder / "portal.js").write_text(program, encoding="utf-8")
    return "portal.js"


def test_ready_portal_is_stopped(tmp_path: Path, variables: dict[str, str]) -> None:
    program = portal(tmp_path, SERVES.replace("STATUS", "200"))
    code, out, err = run("migrate.js", tmp_path, variables, program)
    assert (code, err) == (0, "")
    listening, stopped, migrated = out.splitlines()
    assert (listening, stopped) == ("listening", "stopped")
    assert migrated.startswith("migrated in ")


def test_portal_that_is_never_ready_fails_after_the_limit(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    program = portal(tmp_path, SERVES.replace("STATUS", "503"))
    code, out, err = run("migrate.js", tmp_path, {**variables, "MIGRATION_SECONDS": "1"}, program)
    assert (code, err) == (1, f"{NOT_MIGRATED}not ready after 1 s\n")
    assert out.splitlines() == ["listening", "stopped"]


def test_failure_ends_with_the_errors_of_the_portal(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    """The last five: a Job shows the end of its log."""
    errors = [
        json.dumps({"level": "error", "plugin": "catalog", "message": f"failure {number}"})
        for number in range(6)
    ]
    lines = [*errors, json.dumps({"level": "info", "message": "unrelated"})]
    program = portal(
        tmp_path, "".join(f"console.log({line!r});\n" for line in lines) + "process.exitCode = 7;"
    )
    code, out, err = run("migrate.js", tmp_path, variables, program)
    assert code == 1
    assert out.splitlines() == lines
    last = "".join(f"catalog: failure {number}\n" for number in range(1, 6))
    assert err == f"{NOT_MIGRATED}the portal ended with code 7\n{last}"


def test_signal_stops_the_portal_and_fails_the_job(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    program = portal(tmp_path, SERVES.replace("STATUS", "503"))
    process = start("migrate.js", tmp_path, variables, program)
    assert process.stdout
    assert process.stdout.readline() == "listening\n"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "stopped\n")
    assert err == f"{NOT_MIGRATED}stopped by a signal\n"
