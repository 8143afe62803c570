"""Part of `make lock`: the hashes of mkdocs and its packages in image/*.Dockerfile.

A build's context is a Backstage app, which has no lock file for them; so the Dockerfiles hold one,
with the hashes for Debian's Python on the platforms of `imagePlatform`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.process import ends_with

IMAGE = Path(__file__).resolve().parent.parent.parent / "image"
PYTHON = "3.13"  # of the base image's Debian release
GLIBC = ("2_41", "2_28", "2_17")  # which wheels may be built for
MACHINES = ("x86_64", "aarch64")

_BLOCK = re.compile(r"(RUN printf '%s\\n' \\\n)(.+?)(        > /tmp/mkdocs\.txt)", re.S)
_WANTED = re.compile(r"'(mkdocs-techdocs-core==[\d.]+)")


def locked(dockerfile: str, lines: list[str]) -> str:
    """A Dockerfile with other lines in its lock."""
    block = "".join(f"        '{line}' \\\n" for line in lines)
    return _BLOCK.sub(lambda match: match[1] + block + match[3], dockerfile)


def pins(reports: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each package in pip's reports, one report a platform."""
    found: dict[str, set[str]] = defaultdict(set)
    for report in reports:
        for each in report["install"]:
            name, version = each["metadata"]["name"].lower(), each["metadata"]["version"]
            hashes = each["download_info"]["archive_info"]["hashes"]
            found[f"{name}=={version}"].add(hashes["sha256"])
    for pin, digests in sorted(found.items()):
        yield " ".join([pin, *(f"--hash=sha256:{each}" for each in sorted(digests))])


def _resolve(wanted: str, folder: Path) -> list[dict[str, Any]]:
    (folder / "in").write_text(wanted, encoding="utf-8")
    python = Path(sys.executable)
    subprocess.run(  # noqa: S603
        [python.with_name("uv"), "pip", "compile", "--quiet", "--no-config", "--no-header",
         "--no-annotate", "--only-binary=:all:", f"--python-version={PYTHON}",
         "--python-platform=x86_64-unknown-linux-gnu", f"--output-file={folder / 'pins'}",
         folder / "in"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    reports = []
    for machine in MACHINES:
        platforms = [f"--platform=manylinux_{each}_{machine}" for each in GLIBC]
        done = subprocess.run(  # noqa: S603
            [python, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed",
             "--no-deps", "--report=-", "--only-binary=:all:", *platforms,
             f"--platform=manylinux2014_{machine}", f"--python-version={PYTHON}",
             "--implementation=cp", "--abi=cp313", "--abi=abi3", "--abi=none",
             f"--target={folder / 'target'}", f"--requirement={folder / 'pins'}"],
            check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        reports.append(json.loads(done.stdout))
    return reports


def main() -> None:
    """Locks the release of mkdocs-techdocs-core that the Dockerfiles name."""
    texts = {file: file.read_text(encoding="utf-8") for file in IMAGE.glob("*.Dockerfile")}
    (wanted,) = {name for text in texts.values() for name in _WANTED.findall(text)}
    with tempfile.TemporaryDirectory() as folder:
        lines = list(pins(_resolve(wanted, Path(folder))))
    for file, text in texts.items():
        file.write_text(locked(text, lines), encoding="utf-8")


if __name__ == "__main__":
    ends_with(main)
