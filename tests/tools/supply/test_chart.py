"""The load balancer controller's chart is the pinned archive, and it runs the pinned image."""

from __future__ import annotations

import hashlib
import urllib.error
from pathlib import Path

import pytest

from components.ingress.load_balancer_controller import CHART_REPOSITORY
from settings import versions
from tools.supply import chart
from tools.supply.errors import SupplyError

CONTENT = b"a chart"


def test_the_pinned_archive_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        chart, "LOAD_BALANCER_CONTROLLER_SHA256", hashlib.sha256(CONTENT).hexdigest()
    )
    asked: list[str] = []

    def get(url: str) -> bytes:
        asked.append(url)
        return CONTENT

    file = tmp_path / "charts" / "chart.tgz"
    chart.fetch(file, get)
    assert file.read_bytes() == CONTENT
    version = versions.LOAD_BALANCER_CONTROLLER_CHART
    assert asked == [f"{CHART_REPOSITORY}/aws-load-balancer-controller-{version}.tgz"]


def test_another_archive_isnt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "chart.tgz"
    with pytest.raises(SupplyError, match="somebody replaced the release"):
        chart.fetch(file, lambda _: CONTENT)
    monkeypatch.setattr(chart.fetch, "__defaults__", (lambda _: CONTENT,))
    assert chart.main([str(file)]) == 1
    assert not file.exists()


def test_no_answer_fails(tmp_path: Path) -> None:
    def get(url: str) -> bytes:
        raise urllib.error.URLError("refused")

    with pytest.raises(SupplyError, match=r"\.tgz: .*refused"):
        chart.fetch(tmp_path / "chart.tgz", get)
