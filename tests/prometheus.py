"""A Prometheus on this machine, for tests of what it would scrape and evaluate."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from tests.processes import running
from tools.alb.aws import free_port


class Prometheus:
    """Its HTTP API."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/api/v1"

    def query(self, query: str) -> list[dict[str, Any]] | None:
        """The series of an instant query; None before Prometheus serves.

        Raises urllib.error.HTTPError for a query that it refuses.
        """
        try:
            answer = self._get(f"query?query={quote(query)}")
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return None
            raise
        except OSError:
            return None
        found: list[dict[str, Any]] = answer["result"]
        return found

    def rules(self) -> list[dict[str, str]]:
        """All rules with `name`, `health` and `state`."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self._url}/{path}") as answer:
            return json.load(answer)["data"]


@contextmanager
def prometheus_with(folder: Path, config: Mapping[str, Any]) -> Iterator[Prometheus]:
    """Runs Prometheus with a configuration; skips the test without its executable.

    folder: for its files; paths of rule files are relative to it.
    """
    executable = shutil.which("prometheus")
    if executable is None:
        pytest.skip("no prometheus on PATH")
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    address = f"127.0.0.1:{free_port('127.0.0.1')}"
    options = {"config.file": file, "storage.tsdb.path": folder / "data",
               "web.listen-address": address}  # fmt: skip
    command = [executable, *(f"--{option}={value}" for option, value in options.items())]
    with running(command, folder / "prometheus.log"):
        yield Prometheus(f"http://{address}")
