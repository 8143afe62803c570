"""The part of Backstage's configuration that follows from a stack's keys."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from settings import integrations, mcp, sign_in
from settings.keys import Keys
from settings.overrides import merged


def stack_config(settings: Keys) -> Mapping[str, Any]:
    """What the keys add above the shipped file; empty when they add nothing."""
    contribute = (sign_in.config, integrations.config, mcp.config)
    parts = (_names(settings), *(each(settings) for each in contribute))
    added: Mapping[str, Any] = reduce(merged, parts, {})
    # Null removes the shipped list; the portal doesn't load the plugin without.
    none = {"kubernetes": {"objectTypes": None}}
    return added if settings.portal.kubernetes_plugin else {**added, **none}


def _names(settings: Keys) -> Mapping[str, Any]:
    title, organization = settings.portal.title, settings.portal.organization_name
    return {
        **({"app": {"title": title}} if title else {}),
        **({"organization": {"name": organization}} if organization else {}),
    }
