"""Prints the stored results as tables and plots the rolling updates: `make reliability`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tools.reliability.load import Outcome

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "reliability"
PLOT = ROOT / "docs" / "images" / "rolling-update.png"
TUTORIAL, OURS = "rolling update, the tutorial's Deployment", "rolling update"
HEAD = (
    "| | requests | failed | window of failures | slowest | settled after |",
    "|---|---|---|---|---|---|",
)


def record(route: str, outcome: Outcome) -> None:
    """Stores an outcome, replacing an earlier run's. route: `cluster` or `alb`."""
    outcome.write(_file(route, outcome.name))


def _file(route: str, name: str) -> Path:
    return RESULTS / route / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}.json"


def row(outcome: Outcome) -> str:
    """Formats one line of a table."""
    failed = f"{len(outcome.failures):,}"
    if outcome.errors:
        failed += f" ({', '.join(f'{count:,} {error}' for error, count in outcome.errors.items())})"
    cells = (
        outcome.name,
        f"{len(outcome.samples):,}",
        failed,
        f"{outcome.window:.1f} s" if outcome.failures else "none",
        f"{outcome.slowest:.2f} s",
        f"{outcome.until - outcome.since:.0f} s",
    )
    return f"| {' | '.join(cells)} |"


def tables() -> Iterator[str]:
    """Yields the lines of a table per route, in the order of measurement."""
    for route in sorted(path for path in RESULTS.glob("*") if path.is_dir()):
        yield from ("", route.name, "", *HEAD)
        for file in sorted(route.glob("*.json"), key=lambda file: file.stat().st_mtime):
            yield row(Outcome.read(file))


def plot() -> None:
    """Plots requests and failures per second of each route's rolling updates to `PLOT`."""
    from matplotlib.figure import Figure

    titles = {"cluster": "inside the cluster", "alb": "through the load balancer"}
    panels = [
        (route, name)
        for route in titles
        for name in (TUTORIAL, OURS)
        if _file(route, name).exists()
    ]
    figure = Figure(figsize=(10, 2.6 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (route, name) in zip(axes, panels, strict=True):
        outcome = Outcome.read(_file(route, name))
        seconds = range(int(max(each.at for each in outcome.samples)) + 1)
        answered, failed = [0] * len(seconds), [0] * len(seconds)
        for sample in outcome.samples:
            (failed if sample.failed else answered)[int(sample.at)] += 1
        moved = [second - outcome.since for second in seconds]
        axis.bar(moved, answered, width=1, color="#4c78a8", label="200")
        axis.bar(moved, failed, width=1, bottom=answered, color="#d62728", label="failed")
        axis.axvline(0, color="black", linewidth=0.8)
        axis.axvspan(0, outcome.until - outcome.since, color="#eeeeee", zorder=0)
        axis.set_ylabel("requests per second")
        axis.set_title(
            f"{name}, {titles[route]}: "
            f"{len(outcome.failures):,} of {len(outcome.samples):,} failed",
            loc="left",
        )
    axes[0].legend(loc="lower right", ncols=2)
    axes[-1].set_xlabel("seconds since the start of the update, which takes the shaded time")
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=110)


if __name__ == "__main__":
    print("\n".join(tables()).strip())
    plot()
    print(f"\nWritten: {PLOT.relative_to(ROOT)}")
