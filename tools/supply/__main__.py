"""Command line: `python -m tools.supply COMMAND`."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from pathlib import Path

from tools.process import ends_with
from tools.supply import exceptions, gate, programs, sbom, signature
from tools.supply.errors import SupplyError


def complete(options: argparse.Namespace) -> int:
    """Fails unless the SBOM lists every package of the lock file."""
    count = sbom.check_complete(options.sbom, options.lock)
    print(f"{options.sbom}: all {count} packages of {options.lock}")
    return 0


def audit(options: argparse.Namespace) -> int:
    """Fails for every vulnerability that needs a decision, and for exceptions out of date."""
    accepted = exceptions.load()
    today = datetime.datetime.now(datetime.UTC).date()
    failed = False
    for file in options.sboms:
        if file.stem not in exceptions.SBOMS:
            raise SupplyError(f"{file}: name it after {', '.join(exceptions.SBOMS)}")
        sbom.read(file)
        report = programs.run("grype", [f"sbom:{file}", "--output=json"])
        verdict = gate.judge(gate.findings(report), accepted, file.stem, today)
        for line in (*verdict.accepted, *map(str, verdict.noted)):
            print(f"{file.stem}: {line}")
        for line in verdict.problems:
            print(f"error: {file.stem}: {line}", file=sys.stderr)
        print(f"{file.stem}: {len(verdict.problems)} to decide, {len(verdict.accepted)} accepted, "
              f"{len(verdict.noted)} noted")  # fmt: skip
        failed = failed or bool(verdict.problems)
    return int(failed)


def sign(options: argparse.Namespace) -> int:
    """Signs the image, its SBOM and its provenance."""
    signature.sign(options.image, options.sbom, os.environ, options.key)
    print(f"signed {options.image}")
    return 0


def verify(options: argparse.Namespace) -> int:
    """Fails unless the image, an SBOM of it and its provenance are signed."""
    signer = signature.Signer(options.repository, options.commit, options.key)
    signature.verify(options.image, signer)
    print(f"verified {options.image}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.supply")
    commands = parser.add_subparsers(required=True)

    def command(function: object, name: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, description=getattr(function, "__doc__", None))
        added.set_defaults(run=function)
        return added

    completed = command(complete, "complete")
    completed.add_argument("sbom", type=Path)
    completed.add_argument("lock", type=Path)
    command(audit, "audit").add_argument("sboms", type=Path, nargs="+")
    signing, verifying = command(sign, "sign"), command(verify, "verify")
    signing.add_argument("--sbom", type=Path, required=True, help="made of the image")
    verifying.add_argument("--repository", default="", help="OWNER/REPO, whose workflow signed")
    verifying.add_argument("--commit", default="", help="from which the image was built")
    for each in (signing, verifying):
        each.add_argument("image", help="repository@sha256:...")
        each.add_argument("--key", default="", help="a key, instead of a workflow's identity")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; returns the exit code, 1 if it fails."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except SupplyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    ends_with(main)
