"""Runs checkov and kube-score on previews."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tools.preview.manifests import write_manifests
from tools.preview.recording import Recording
from tools.scan.terraform import terraform

# The oldest release that the program supports.
KUBERNETES = "v1.32"


class Finding(NamedTuple):
    """One check that one resource of a stack fails."""

    check: str
    """`CKV_...`, kube-score's id, or a control of Security Hub"""
    resource: str
    """`type.name`, Terraform's for AWS: `Job.backstage-migrations`, `aws_s3_bucket.backstage`"""
    stack: str


def write(planned: Recording, created: Recording, folder: Path) -> None:
    """Writes what the scanners read of a stack: `main.tf` and `manifests/`."""
    (folder / "manifests").mkdir(parents=True)
    write_manifests(created, folder / "manifests")
    (folder / "main.tf").write_text(terraform(planned, created), encoding="utf-8")


def checkov(executable: Path, folder: Path) -> Iterator[Finding]:
    """Findings in what `write` wrote; the folder's name is the stack's.

    One stack a run: in one graph, a policy of one stack would select the pods of another. Raises
    RuntimeError if checkov couldn't read a file.
    """
    frameworks = ("--framework", "terraform", "kubernetes")
    options = ("--output", "json", "--compact", "--quiet", "--skip-download", "--soft-fail")
    reports = _output([str(executable), "--directory", ".", *frameworks, *options], folder)
    for report in reports if isinstance(reports, list) else [reports]:
        if report["summary"]["parsing_errors"] or not report["summary"]["passed"]:
            raise RuntimeError(f"checkov: {report['check_type']}: {report['summary']}")
        for failed in report["results"]["failed_checks"]:
            name = failed["resource"]
            if report["check_type"] == "kubernetes":  # kind.namespace.name and what follows
                kind, _, name = name.split(".")[:3]
                name = f"{kind}.{name}"
            yield Finding(failed["check_id"], name, folder.name)


def kube_score(executable: str, folder: Path) -> Iterator[Finding]:
    """Findings in what `write` wrote, warnings included."""
    options = ("--kubernetes-version", KUBERNETES, "--output-format", "json")
    files = sorted(map(str, (folder / "manifests").iterdir()))
    for scored in _output([executable, "score", *options, *files], folder):
        name = f"{scored['type_meta']['kind']}.{scored['object_meta']['name']}"
        for check in scored["checks"]:
            if check["grade"] < 10 and not check["skipped"]:  # 10 is the best
                yield Finding(check["check"]["id"], name, folder.name)


def _output(command: list[str], folder: Path) -> Any:
    done = subprocess.run(  # noqa: S603 - tools that the caller names
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        raise RuntimeError(f"{Path(command[0]).name}: {done.stderr or done.stdout}") from None
