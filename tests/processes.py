"""Programs that run beside a test, and the addresses that they listen at."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program until the context exits. log: takes its output. environment: further variables."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **(environment or {})}, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def local_address(address: str) -> Iterator[None]:
    """Adds an address to this machine, which containers reach through their gateway. Skips the
    test without that right.
    """
    command = ["ip", "address", "add", f"{address}/32", "dev", "lo"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "exists" not in done.stderr:
        pytest.skip(f"needs the right to add an address: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run([*command[:2], "del", *command[3:]], check=False)
