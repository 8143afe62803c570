"""Whether an SBOM lists every package of a lock file, or describes the image that it names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

from tools.supply.errors import SupplyError

Package = tuple[str, str]
"""Name, in the spelling of its registry, and version"""

_PIN = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", re.M)
_RESOLUTION = re.compile(r"(@?[^@]+)@(\w+):")
_PURL = re.compile(r"pkg:(pypi|npm)/([^@]+)@([^?#]+)")


def python_lock(text: str) -> set[Package]:
    """The packages of a requirements file, whatever the platform that they are for."""
    return {(_normal(name), version) for name, version in _PIN.findall(text)}


def yarn_lock(text: str) -> set[Package]:
    """The packages that a yarn.lock takes from a registry, patched ones included."""
    found = set()
    for key, entry in yaml.load(text, Loader=yaml.CSafeLoader).items():
        match = _RESOLUTION.match(entry.get("resolution", ""))
        if key != "__metadata" and match and match[2] in ("npm", "patch"):
            found.add((match[1], str(entry["version"])))
    return found


LOCKS: dict[str, Callable[[str], set[Package]]] = {".txt": python_lock, ".lock": yarn_lock}


def packages(sbom: dict[str, Any]) -> set[Package]:
    """The Python and npm packages of a CycloneDX document, by their package URLs."""
    found = set()
    for component in sbom.get("components", []):
        if match := _PURL.match(component.get("purl", "")):
            kind, name, version = match.groups()
            name = unquote(name)
            found.add((_normal(name) if kind == "pypi" else name, unquote(version)))
    return found


def read(file: Path) -> dict[str, Any]:
    """A CycloneDX document with components. Raises SupplyError."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, ValueError) as error:
        raise SupplyError(f"{file}: no SBOM: {error}") from error
    if not isinstance(content, dict) or content.get("bomFormat") != "CycloneDX":
        raise SupplyError(f"{file}: not a CycloneDX document")
    if not content.get("components"):
        raise SupplyError(f"{file}: the SBOM lists no component")
    return content


def check_complete(file: Path, lock: Path) -> int:
    """Returns how many packages the lock file has. Raises SupplyError if the SBOM lacks one."""
    wanted = LOCKS[lock.suffix](lock.read_text(encoding="utf-8"))
    missing = sorted(wanted - packages(read(file)))
    if missing or not wanted:
        shown = ", ".join(f"{name} {version}" for name, version in missing[:5])
        raise SupplyError(f"{file}: lacks {len(missing)} of {len(wanted)} in {lock}: {shown}")
    return len(wanted)


def check_describes(file: Path, digest: str) -> None:
    """Raises SupplyError unless the SBOM was made of the image with this digest."""
    described = read(file).get("metadata", {}).get("component", {})
    if described.get("type") != "container" or described.get("version") != digest:
        raise SupplyError(
            f"{file}: describes {described.get('name')} {described.get('version')}, not {digest}"
        )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
