"""How long the offline preview takes: `python -m tools.bench prod`.

Runs it several times against the bare import of only those SDK modules that the stack's resource
types need, each in a process of its own, by turns, and prints the medians. Nothing is written
but what the preview writes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tools.process import ends_with

ROOT = Path(__file__).resolve().parent.parent
PAIRS = 7


def classes_of(types: list[str]) -> list[str]:
    """The SDK classes of resource types, such as pulumi_aws.rds.Cluster.

    To name a class loads its module: the provider SDKs import their modules on first use.
    """
    names = set()
    for type_ in types:
        package, module, name = type_.split(":", 2)
        head, _, tail = module.partition("/")
        if package == "kubernetes":
            # kubernetes:networking.k8s.io/v1 is pulumi_kubernetes.networking.v1
            names.add(f"pulumi_kubernetes.{head.partition('.')[0]}.{tail}.{name}")
        elif package in ("aws", "docker", "random"):
            names.add(".".join([f"pulumi_{package}", *([] if head == "index" else [head]), name]))
    return sorted(names)


def measure(arguments: list[str]) -> tuple[float, float]:
    """Wall time in seconds and peak memory in MiB of a Python process."""
    start = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603, our own interpreter
        [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return seconds, usage.ru_maxrss / 1024


def main() -> None:
    """Prints a row for the floor, one for the preview, and their ratio."""
    stack = sys.argv[1] if len(sys.argv) > 1 else "prod"
    preview = ["-m", "tools.preview", stack]
    measure(preview)  # warm, and resources.json is there
    written = ROOT / "build" / "preview" / stack / "resources.json"
    types = sorted({each["type"] for each in json.loads(written.read_text(encoding="utf-8"))})
    names = classes_of(types)
    imports = sorted({name.partition(".")[0] for name in names})
    floor = ["-c", "\n".join([f"import {', '.join(['pulumi', *imports])}", *names])]
    runs = [(measure(floor), measure(preview)) for _ in range(PAIRS)]
    modules = sorted({name.rpartition(".")[0] for name in names})
    print(f"{stack}: {PAIRS} pairs; the floor loads {', '.join(modules)}")
    rows = {"import of the SDK modules": 0, "offline preview": 1}
    for title, column in rows.items():
        seconds = [run[column][0] for run in runs]
        memory = [run[column][1] for run in runs]
        print(
            f"{title:26} median {statistics.median(seconds):.2f} s "
            f"({min(seconds):.2f} to {max(seconds):.2f}), {statistics.median(memory):.0f} MiB"
        )
    ratio = statistics.median(run[1][0] / run[0][0] for run in runs)
    print(f"{'ratio':26} median {ratio:.2f}")


if __name__ == "__main__":
    ends_with(main)
