"""Builds the JSON Schema of `Pulumi.<stack>.yaml` from the configuration model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from settings.files import ROOT
from settings.keys import GROUPS, KEYS
from settings.model import Settings
from tools.schema.key_row import meaning

SCHEMA = ROOT / "stack.schema.json"
PROJECT = "backstage"  # the name in Pulumi.yaml, which prefixes the keys
_SECURE = {
    "type": "object",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
    "description": "a value that `pulumi config set --secret` encrypted",
}


def stack_schema() -> dict[str, Any]:
    """The schema, in draft 7, which editors know."""
    model = Settings.model_json_schema()
    definitions = model["$defs"]
    groups = {name: definitions.pop(f"{name.capitalize()}Settings") for name in GROUPS}
    properties = {}
    for name, key in sorted(KEYS.items()):
        of_key = (groups[key.group] if key.group else model)["properties"][name]
        about = meaning(key)
        if key.known_to:
            databases = key.known_to.databases
            on = " or ".join(sorted(key.known_to.targets))
            database = f", database {' or '.join(databases)}" if databases else ""
            about += f" (target {on}{database})"
        properties[key.full(PROJECT)] = {
            "description": about,
            **_as_written(of_key, key.holds_secrets),
        }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Stack file of Backstage on EKS",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": properties,
                "patternProperties": {"^pulumi:": True},
                "additionalProperties": False,
            },
            "secretsprovider": {"type": "string"},
            "encryptedkey": {"type": "string"},
            "encryptionsalt": {"type": "string"},
            "environment": True,
        },
        "additionalProperties": False,
        "$defs": {**definitions, "secure": _SECURE},
    }


def _as_written(schema: dict[str, Any], holds_secrets: bool) -> dict[str, Any]:
    """A key's schema as a stack file may hold it: `pulumi config set` writes text."""
    default = {"default": schema["default"]} if schema.get("default") else {}
    plain = {k: v for k, v in schema.items() if k not in ("default", "title")}
    plain = plain.pop("anyOf", [plain])[0] | {k: v for k, v in plain.items() if k != "anyOf"}
    forms = [plain]
    if plain.get("type") in ("integer", "number"):
        forms.append({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"})
    elif plain.get("type") == "boolean":
        forms.append({"enum": ["true", "false"]})
    elif plain.get("type") == "string" and "enum" not in plain:
        forms.append({"type": "number"})  # a tag of digits, an engine version
    elif "patternProperties" in plain:
        secure = [{"$ref": "#/$defs/secure"}] if holds_secrets else []
        [(names, value)] = plain["patternProperties"].items()
        of_any = {"anyOf": [value, {"type": ["number", "boolean"]}, *secure]}
        plain |= {"patternProperties": {names: of_any}, "additionalProperties": False}
        forms += secure
    return {**default, **(forms[0] if len(forms) == 1 else {"anyOf": forms})}


def rendered() -> str:
    """The text of `stack.schema.json`."""
    return json.dumps(stack_schema(), indent=2, ensure_ascii=False) + "\n"


def write(path: Path = SCHEMA) -> None:
    """Writes the committed file."""
    path.write_text(rendered(), encoding="utf-8")
