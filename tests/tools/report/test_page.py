"""The page of a plan: complete, without secrets, without anything from elsewhere."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from policy.evaluate import Violation
from policy.node import Node
from policy.plan import Resource
from policy.rules import RULES
from policy.suppressions import Suppression
from tests.programs import previewed, stack_config
from tests.tokens import CLUSTER
from tests.tools.diff.plans import plan, with_inputs
from tools.preview.policy import Verdict
from tools.preview.recording import COMPUTED, SECRET, Recording, masked_value, secret
from tools.report.__main__ import main
from tools.report.page import page
from tools.report.rows import ORIGINS, setting_rows
from tools.report.texts import separated

CANARY = "canary-4f1e"


MET = Verdict([], [], [], [], [], rules=64, resources=42)


class Reader(HTMLParser):
    """The page's elements: tags with their attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"

    def having(self, name: str) -> list[str]:
        """Values of an attribute."""
        return [attributes[name] for _, attributes in self.tags if name in attributes]


def rendered(stack: str, recording: Recording | None = None, judged: Verdict = MET) -> str:
    return page(stack_config(stack), recording or plan(stack), judged, "1234567")


@functools.cache
def prod() -> Reader:
    return Reader(rendered("prod"))


def test_every_resource_is_in_the_tree_and_what_depends_in_the_graph() -> None:
    resources = previewed("prod").recording.resources.values()
    ids = [each for each in prod().having("id") if re.fullmatch(r"r\d+", each)]
    assert len(ids) == len(set(ids)) == len(resources) - 1  # without the stack
    nodes = [e for e in resources if e.custom and not e.type.startswith("pulumi:")]
    assert len(prod().having("data-node")) == len(nodes)
    assert {*prod().having("data-from"), *prod().having("data-to")} <= {*ids}


def test_links_lead_somewhere_on_the_page() -> None:
    ids = set(prod().having("id"))
    links = prod().having("href")
    assert links
    assert {link.removeprefix("#") for link in links} <= ids


def test_nothing_is_loaded() -> None:
    names = {tag for tag, _ in prod().tags}
    assert not names & {"link", "img", "iframe", "object", "embed", "base", "form"}
    assert not prod().having("src")
    (policy,) = [a["content"] for _, a in prod().tags if "http-equiv" in a]
    assert policy.startswith("default-src 'none'; ")
    text = rendered("prod")
    assert "@import" not in text
    assert "url(" not in text.replace("url(#arrow)", "")


def test_values_are_escaped() -> None:
    mark = '<script>alert("x")</script>'
    after = with_inputs(
        plan("prod"), "backstage-app-config", lambda inputs: inputs["data"].update({mark: mark})
    )
    text = rendered("prod", dataclasses.replace(after, warnings=[mark]))
    assert mark not in text
    assert "&lt;script&gt;alert(" in text


def test_secrets_are_masked() -> None:
    before = with_inputs(
        plan("prod"), "backstage-secrets", lambda i: i.update(stringData=secret({"A": CANARY}))
    )
    text = rendered("prod", before)
    assert CANARY not in text
    assert "secret: stringData" in text
    values = {**stack_config("prod").values, "backstage:secretEnv": json.dumps({"A_TOKEN": CANARY})}
    rows = setting_rows(dataclasses.replace(stack_config("prod"), values=values))
    (row,) = [each for each in rows if each.name == "secretEnv"]
    assert row.value == '{"A_TOKEN": "[secret]"}'


def test_a_file_is_read_line_by_line() -> None:
    files = {"long.yaml": "line <1>\n" * 13, "short.yaml": "a: 1\nb: 2\n", "one.yaml": "a: 1\n"}
    after = with_inputs(
        plan("prod"), "backstage-app-config", lambda inputs: inputs.update(data=files)
    )
    text = rendered("prod", after)
    assert '<pre tabindex="0">a: 1\nb: 2</pre>' in text
    assert '<pre tabindex="0">line &lt;1&gt;\nline &lt;1&gt;' in text
    assert "\\nline" not in text
    opened = re.findall(r'<details class="text"( open)?><summary><span class="name">(.*?)<', text)
    assert [is_open for is_open, name in opened if name == "data.long.yaml"] == [""]
    assert [is_open for is_open, name in opened if name == "data.short.yaml"] == [" open"]
    assert "(13 lines, below)" in text
    assert "a: 1\\n" in text  # a single line stays among the inputs


def test_json_in_a_text_is_indented() -> None:
    inputs: dict[str, Any] = {
        "kubeconfig": json.dumps({"users": [{"name": "aws", "user": {"exec": "x" * 80}}]}),
        "ports": '[{"HTTPS":443}]',
        "broken": "{" * 90,
        "nested": [{"policy": secret("x")}, {"policy": "[" + "1, " * 40 + "1]"}],
    }
    rest, (kubeconfig, policy) = separated(masked_value(inputs))
    assert rest == {
        "kubeconfig": "(10 lines, below)",
        "ports": '[{"HTTPS":443}]',
        "broken": "{" * 90,
        "nested": [{"policy": "[secret]"}, {"policy": "(43 lines, below)"}],
    }
    assert (kubeconfig.path, kubeconfig.kind, kubeconfig.short) == ("kubeconfig", "JSON", True)
    assert kubeconfig.text.splitlines()[3] == '      "name": "aws",'
    assert (policy.path, policy.short) == ("nested[1].policy", False)
    (provider,) = [e for e in plan("prod").resources.values() if e.name == "backstage-kubernetes"]
    assert "kubeconfig" in [each.path for each in separated(provider.inputs)[1]]


def test_counts_say_what_they_leave_out() -> None:
    every = plan("prod").resources.values()
    custom = sum(each.custom for each in every)
    assert f"and {len(every) - custom} components: {len(every)} in make preview" in prod().text


def test_settings_with_their_origin() -> None:
    rows = setting_rows(stack_config("prod"))
    found = {(row.name, row.origin): row for row in rows}
    assert found["databaseInstances", "stack file"].value == "2"
    assert found["port", "default"].value == "7007"
    assert found["most pods", "derived"].value == "7"
    assert found["database kind", "derived"].value == "aurora"
    assert ("kubeContext", "default") not in found  # of another target
    assert ("databaseStorageSize", "default") not in found  # of another database
    assert [row.origin for row in rows] == sorted((row.origin for row in rows), key=ORIGINS.index)
    assert all(row.meaning for row in rows)
    assert not any("](" in row.meaning or "`" in row.meaning for row in rows)


def test_outputs() -> None:
    outputs = {
        "url": "https://<portal>", "arn": COMPUTED, "password": SECRET, "ports": [1, 2],
        "permissions": {"role:default/users": {"members": ["everyone"], "may": ["x" * 80]}},
    }  # fmt: skip
    text = rendered("prod", dataclasses.replace(plan("prod"), outputs=outputs))
    section = text.partition('<section id="outputs"')[2].partition("</section>")[0]
    rows = re.findall(r'<th scope="row">(.*?)</th><td class="value">(.*?)</td>', section, re.DOTALL)
    found = dict(rows)
    assert list(found) == ["arn", "password", "permissions", "ports", "url"]
    assert found["url"] == "https://&lt;portal&gt;"
    assert found["arn"] == "&lt;computed&gt;"
    assert found["password"] == "[secret]"
    assert found["ports"] == "[1, 2]"
    assert found["permissions"].startswith("<details><summary>10 lines of JSON</summary><pre")
    assert "&#34;role:default/users&#34;: {\n" in found["permissions"]
    assert "databaseEndpoint" in prod().text


def test_the_price_by_resource() -> None:
    text = prod().text
    assert "Total" in text
    assert re.search(r"\$2\d\d\.\d\d", text)
    unknown = with_inputs(plan("prod"), "backstage-aws", lambda i: i.update(region="eu-west-9"))
    assert "no prices for region eu-west-9" in Reader(rendered("prod", unknown)).text
    assert "Nothing of AWS" in Reader(rendered("local")).text


def test_the_policy_s_verdict() -> None:
    assert "64 rules on 42 resources: 0 violations" in " ".join(prod().text.split())
    rule = RULES["rds-encrypted"]
    cluster = Resource("urn:x::y", CLUSTER, "backstage-1-cluster", Node({}))
    broken = Violation(rule, cluster, "storageEncrypted is <unset>", "mandatory")
    entry = Suppression(rule.name, "*", "prod", "moves in May", "platform", date(2027, 5, 26))
    judged = dataclasses.replace(MET, violations=[broken], suppressed=[(broken, entry)])
    text = " ".join(Reader(rendered("prod", judged=judged)).text.split())
    assert "Policy broken 1 violation, 1 suppressed" in text
    assert "storageEncrypted is <unset> Fix: " in text
    assert "until 2027-05-26, by platform: moves in May" in text


@pytest.mark.parametrize("tag", ["table", "svg", "nav", "h1", "main"])
def test_what_a_screen_reader_moves_between(tag: str) -> None:
    assert tag in [name for name, _ in prod().tags]


def test_every_scrolling_region_has_a_name_and_takes_the_focus() -> None:
    regions = [each for _, each in prod().tags if each.get("class") == "scroll"]
    assert len(regions) == 4
    for each in regions:
        assert each["tabindex"] == "0"
        assert each["role"] == "region"
        assert "aria-label" in each or "aria-labelledby" in each


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "folder" / "local.html"
    assert main(["local", "--out", str(file)]) == 0
    assert capsys.readouterr().out == f"Written to {file}\n"
    assert "<h1>local</h1>" in file.read_text("utf-8")
    assert main(["qa", "--out", str(file)]) == 1
    assert "No such file; there are the stacks dev, local, prod" in capsys.readouterr().err
