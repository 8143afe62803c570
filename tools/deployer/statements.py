"""Statements of IAM policies, merged by their names and split into documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# Characters of a managed policy, white space not counted. Source: IAM User Guide, "IAM and AWS STS
# quotas".
LIMIT = 6144

Condition = Mapping[str, Mapping[str, Iterable[str]]]


@dataclass
class Statement:
    """What is allowed, and under which condition: operator, key, values."""

    sid: str
    actions: set[str] = field(default_factory=set)
    resources: set[str] = field(default_factory=set)
    condition: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The statement as in a policy; whatever has one value stands without a list."""
        condition = {
            operator: {key: _short(values) for key, values in sorted(keys.items())}
            for operator, keys in sorted(self.condition.items())
        }
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": _short(self.actions),
            "Resource": _short(self.resources),
            **({"Condition": condition} if condition else {}),
        }


class Statements:
    """Collects statements. Those of one name become one, with all actions, resources and values."""

    def __init__(self) -> None:
        self._by_sid: dict[str, Statement] = {}

    def add(
        self, sid: str, actions: Iterable[str], resources: Iterable[str], condition: Condition
    ) -> None:
        """Adds to a statement; nothing if there is no action or no resource."""
        actions, resources = set(actions), set(resources)
        if not actions or not resources:
            return
        statement = self._by_sid.setdefault(sid, Statement(sid))
        known = {(operator, key) for operator, keys in condition.items() for key in keys}
        before = {(op, key) for op, keys in statement.condition.items() for key in keys}
        # Merged, one of them would hold for what needs both, or for what needs neither.
        assert known == before or not statement.actions, f"{sid}: two sets of condition keys"
        statement.actions |= actions
        statement.resources |= resources
        for operator, keys in condition.items():
            for key, values in keys.items():
                statement.condition.setdefault(operator, {}).setdefault(key, set()).update(values)

    def documents(self) -> list[dict[str, Any]]:
        """As few policies as the order of the names allows, each within the limit."""
        found: list[list[dict[str, Any]]] = [[]]
        for _, statement in sorted(self._by_sid.items()):
            one = statement.document()
            if size(policy([*found[-1], one])) > LIMIT:
                found.append([])
            found[-1].append(one)
        return [policy(statements) for statements in found]


def policy(statements: list[dict[str, Any]]) -> dict[str, Any]:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": statements}


def size(document: Mapping[str, Any]) -> int:
    """Characters that count towards the limit."""
    return len("".join(json.dumps(document, separators=(",", ":")).split()))


def _short(values: Iterable[str]) -> str | list[str]:
    ordered = sorted(values)
    return ordered[0] if len(ordered) == 1 else ordered
