"""The verdict on what grype finds in an SBOM."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tools.supply.errors import SupplyError
from tools.supply.exceptions import Accepted

# An advisory without a rating may be of any severity.
SEVERE = ("Critical", "High", "Unknown")


@dataclass(frozen=True)
class Finding:
    """One vulnerability of one package."""

    ids: frozenset[str]
    """The advisory's id and its aliases"""
    id: str
    severity: str
    package: str
    version: str
    kind: str
    """`python`, `npm`, `deb`, ..."""
    fixed: tuple[str, ...]
    """Releases without it"""

    @property
    def blocks(self) -> bool:
        """Whether somebody has to act: not on what Debian hasn't fixed in the base image's release,
        for which there is nothing to install."""
        return self.severity in SEVERE and (bool(self.fixed) or self.kind != "deb")

    def __str__(self) -> str:
        fix = f"fixed in {', '.join(self.fixed)}" if self.fixed else "no fix"
        return f"{self.severity.lower()}: {self.id} in {self.package} {self.version}, {fix}"


@dataclass(frozen=True)
class Verdict:
    """problems: what fails the gate. accepted: what exceptions cover. noted: everything else."""

    problems: tuple[str, ...]
    accepted: tuple[str, ...]
    noted: tuple[Finding, ...]


def findings(report: str) -> list[Finding]:
    """Reads grype's JSON report. Raises SupplyError if it isn't one: no report isn't no finding."""
    try:
        content = json.loads(report)
        if content["descriptor"]["name"] != "grype":
            raise ValueError("descriptor.name isn't grype")
        found = [_finding(match) for match in content["matches"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SupplyError(f"grype wrote no report: {type(error).__name__}: {error}") from error
    return sorted(set(found), key=lambda each: (each.package, each.version, each.id))


def _finding(match: dict[str, Any]) -> Finding:
    vulnerability, artifact = match["vulnerability"], match["artifact"]
    related = match.get("relatedVulnerabilities") or []
    fix = vulnerability.get("fix") or {}
    id_ = str(vulnerability["id"])
    return Finding(
        ids=frozenset({id_, *(str(each["id"]) for each in related)}),
        id=id_,
        severity=str(vulnerability.get("severity") or "Unknown"),
        package=str(artifact["name"]),
        version=str(artifact["version"]),
        kind=str(artifact["type"]),
        fixed=tuple(fix.get("versions") or ()),
    )


def judge(
    found: Sequence[Finding], accepted: Sequence[Accepted], sbom: str, today: datetime.date
) -> Verdict:
    """Compares what was found in an SBOM with the exceptions for it."""
    entries = [entry for entry in accepted if entry.sbom == sbom]
    covered, noted, problems = [], [], []
    for finding in found:
        if not finding.blocks:
            noted.append(finding)
        elif entry := next(_covering(finding, entries, today), None):
            covered.append(f"{finding}; accepted until {entry.expires}: {entry.reason}")
        else:
            problems.append(str(finding))
    for entry in entries:
        if entry.expires < today:
            problems.append(
                f"the exception for {entry} expired on {entry.expires}: upgrade the package, or "
                f"have {entry.owner} decide anew"
            )
        elif not any(entry in _covering(each, entries, today) for each in found if each.blocks):
            problems.append(f"the exception for {entry} covers no finding: remove it")
    return Verdict(tuple(problems), tuple(covered), tuple(noted))


def _covering(
    finding: Finding, entries: Sequence[Accepted], today: datetime.date
) -> Iterator[Accepted]:
    for entry in entries:
        same = entry.id in finding.ids and entry.package == finding.package
        if same and today <= entry.expires:
            yield entry
