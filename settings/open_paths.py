"""Paths that need no sign-in at the load balancer. This list is the only one.

Whatever is added here needs a check of its own in the portal, and a row in the table of
docs/load-balancer-sign-in.md.
"""

from __future__ import annotations

from settings.integrations import webhooks
from settings.model import Settings


def open_paths(s: Settings) -> list[str]:
    """The open paths of a stack; each with everything below it."""
    if not s.ingress.authentication:
        return []
    events = [f"/api/events/http/{kind}" for kind in webhooks(s)]
    mcp = ["/api/mcp-actions"] if s.portal.mcp else []
    return [*s.ingress.token_paths, *events, *mcp]
