"""What a change does to a stack file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from settings.files import parse_yaml, read_text
from settings.keys import SECRETS
from tools.diff.comparison.values import Difference, differences
from tools.diff.comparison.values import Path as InputPath
from tools.preview.recording import Recording, is_secret, secret
from tools.preview.stack_file import is_encrypted


def configuration(before: Path, after: Path) -> list[Difference]:
    """Where two stack files differ; encrypted values are compared by their ciphertext."""
    return list(differences(_keys(before), _keys(after)))


def encrypted_names(found: Sequence[Difference]) -> frozenset[str]:
    """Names of the entries whose encrypted value changes, such as AUTH_GITHUB_CLIENT_SECRET."""
    return frozenset(each.path[-1] for each in found if each.path[0] in SECRETS)


def holders(created: Recording, names: frozenset[str]) -> dict[str, list[InputPath]]:
    """By URN, where a plan with stand-ins has these entries among its secrets."""
    found: dict[str, list[InputPath]] = {}
    for urn, resource in created.resources.items():
        for key, value in resource.raw_inputs.items():
            entries = value["value"] if is_secret(value) else None
            if isinstance(entries, dict) and names & entries.keys():
                found[urn] = [(key, name) for name in sorted(names & entries.keys())]
    return found


def _keys(file: Path) -> dict[str, Any]:
    content = parse_yaml(read_text(str(file))) if file.exists() else {}
    return dict(_hidden(content.get("config") or {}))


def _hidden(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        name = str(key).removeprefix("backstage:")
        if name in SECRETS and isinstance(value, dict):
            yield name, {entry: secret(_ciphertext(each)) for entry, each in value.items()}
        else:
            yield name, _encrypted(value)


def _ciphertext(value: Any) -> Any:
    return value["secure"] if is_encrypted(value) else value


def _encrypted(value: Any) -> Any:
    if is_encrypted(value):
        return secret(value["secure"])
    if isinstance(value, dict):
        return {key: _encrypted(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_encrypted(each) for each in value]
    return value
