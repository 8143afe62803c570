"""MCP with the reference client: off unless configured, then auth and catalog, for tokens only."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import replace
from typing import Any

import pytest

from settings.app_config import AppConfig
from settings.mcp import TOOLS
from tests.e2e.conftest import TOKEN, Start
from tests.e2e.sign_in import send
from tests.programs import ROOT
from tools.container.portal import PodSpec, PortalContainer

pytestmark = pytest.mark.e2e

PATH = "/api/mcp-actions/v1"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPT = {"Accept": "application/json, text/event-stream"}
READING = {
    "auth.who-am-i",
    "catalog.get-catalog-entity",
    "catalog.get-catalog-model-description",
    "catalog.query-catalog-entities",
    "catalog.validate-entity",
}
CLIENT = secrets.token_hex(16)
OTHER = secrets.token_hex(16)


def bearer(token: str) -> dict[str, str]:
    return {**ACCEPT, "Authorization": f"Bearer {token}"}


def documented_access() -> list[dict[str, Any]]:
    """The token of docs/mcp.md, and one for another plugin."""
    page = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
    access: list[dict[str, Any]] = json.loads(page.split("```json\n")[1].partition("```")[0])
    other = [{"plugin": "search"}]
    return [
        {**access[0], "options": {"token": CLIENT, "subject": "mcp-client"}},
        {"type": "static", "options": {"token": OTHER, "subject": "other"},
         "accessRestrictions": other},
    ]  # fmt: skip


@pytest.fixture(scope="module")
def mcp_portal(start: Start, pod: PodSpec, migrated: list[str]) -> PortalContainer:
    """A portal with what `mcp: true` configures."""
    directory = "/etc/backstage/mcp"
    files = {"app-config.yaml": AppConfig.generated(TOOLS).text}
    arguments = [*pod.arguments, "--config", f"{directory}/app-config.yaml"]
    changed = replace(pod, arguments=arguments, files={**pod.files, directory: files})
    access = json.dumps(documented_access())
    variables = {
        "APP_CONFIG_backend_auth_externalAccess": access,
        # The shared migrations ran without the plugin.
        "APP_CONFIG_backend_database_skipMigrations": "false",
    }
    portal = start("mcp", changed, variables)
    portal.wait_ready()
    return portal


def test_off_unless_configured(portal: PortalContainer) -> None:
    assert send(portal.address, "POST", PATH, bearer(TOKEN), LIST).status == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [(ACCEPT, 401), (bearer("wrong"), 401), (bearer(OTHER), 403)],
    ids=["no token", "wrong token", "token of another plugin"],
)
def test_refused_without_its_token(
    mcp_portal: PortalContainer, headers: dict[str, str], status: int
) -> None:
    assert send(mcp_portal.address, "POST", PATH, headers, LIST).status == status


def test_client_with_the_documented_token(mcp_portal: PortalContainer) -> None:
    import httpx2  # only requirements-e2e.txt installs them
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async def use() -> tuple[set[str], Any, Any, Any]:
        url = f"http://{mcp_portal.address}{PATH}"
        async with (
            httpx2.AsyncClient(headers=bearer(CLIENT)) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            tools = await client.list_tools()
            query = {"query": {"kind": "Component"}}
            end = time.monotonic() + 180  # a killed portal keeps the location reserved
            while True:
                found = await client.call_tool("catalog.query-catalog-entities", query)
                known = (found.structured_content or {}).get("totalItems")
                if known or time.monotonic() > end:
                    break
                await asyncio.sleep(0.5)
            who = await client.call_tool("auth.who-am-i", {})
            gone = {"kind": "Component", "name": "checkout", "uid": "x"}
            refused = await client.call_tool("catalog.unregister-entity", gone)
            return {tool.name for tool in tools.tools}, found, who, refused

    names, found, who, refused = asyncio.run(use())
    assert names == READING
    assert not found.is_error, found.content
    assert [each["metadata"]["name"] for each in found.structured_content["items"]] == ["checkout"]
    assert who.is_error
    assert "requires user credentials" in who.content[0].text
    assert refused.is_error
    assert "not found" in refused.content[0].text


def test_calls_are_audited_without_arguments(mcp_portal: PortalContainer) -> None:
    lines = [json.loads(each) for each in mcp_portal.logs().splitlines() if each.startswith('{"')]
    calls = [each for each in lines if each.get("eventId") == "tool-execution"]
    assert {each["actor"]["actorId"] for each in calls} == {"mcp-client"}
    assert {"toolName": "auth.who-am-i"} in [each["meta"] for each in calls]
    assert CLIENT not in json.dumps(lines)
