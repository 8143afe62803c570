"""What `mcp` adds to Backstage's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from settings.keys import Keys

# Not scaffolder, which announces its dry run as read-only. The portal loads the plugin if
# `mcpActions` is there.
TOOLS: Mapping[str, Any] = {
    "backend": {
        "actions": {
            "pluginSources": ["auth", "catalog"],
            "filter": {"include": [{"attributes": {"readOnly": True}}]},
        }
    },
    "mcpActions": {"name": "backstage"},
}


def config(settings: Keys) -> Mapping[str, Any]:
    """`TOOLS` with `mcp: true`, else nothing."""
    return TOOLS if settings.portal.mcp else {}
