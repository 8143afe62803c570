"""What the offline preview prints and writes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.programs import ROOT, previewed
from tests.tokens import CLUSTER, INGRESS_RULE
from tests.tools.project import project
from tools.preview.__main__ import main, resource_object, write
from tools.preview.recording import COMPUTED, SECRET
from tools.preview.report import report

KEYS = {
    "urn",
    "type",
    "name",
    "parent",
    "inputs",
    "dependencies",
    "propertyDependencies",
    "protect",
    "provider",
    "ignoreChanges",
}


def test_report_of_who_may_do_what() -> None:
    lines = report(previewed("prod").recording, "prod").splitlines()
    start = lines.index("Permissions:")
    section = lines[start : lines.index("", start)]
    assert "    role:default/everyone: everyone who is signed in" in section
    assert "    role:default/administrators: group:default/administrators" in section
    assert "catalog-entity (update, delete) by IS_ENTITY_OWNER" in " ".join(
        " ".join(section).split()
    )
    assert max(map(len, section)) <= 100
    assert not [line for line in lines if line.startswith("    permissions ")]


def test_report_of_a_small_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = """
    c = pulumi.ComponentResource("shop:x:Y", "c")
    a = random.RandomPassword("a", length=9, opts=pulumi.ResourceOptions(parent=c, protect=True))
    random.RandomId("b", byte_length=4, prefix=a.result)
    pulumi.warn("think twice")
    pulumi.export("password", a.result)
    pulumi.export("shape", {"sides": 3})
    """
    assert main(project(tmp_path, program)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Previewing update (dev): offline, recorded look-ups, an empty account",
        "",
        "   Type                               Name      Plan    Info",
        " + pulumi:pulumi:Stack                shop-dev  create",
        " + ├─ random:index:RandomId           b         create  secret: prefix",
        " + └─ shop:x:Y                        c         create",
        " +    └─ random:index:RandomPassword  a         create  protect",
        "",
        "Diagnostics:",
        "    warning: think twice",
        "",
        "Outputs:",
        "    password: [secret]",
        '    shape   : {"sides": 3}',
        "",
        "Resources:",
        "    + 4 to create",
        "",
        "Policy: 0 violations, 0 suppressed, 0 unknown until the update (69 rules, 4 resources)",
        "",
        "Written to build/preview/dev: resources.json, policy.json and 0 Kubernetes manifests",
    ]


def test_report_of_prod() -> None:
    text = report(previewed("prod").recording, "prod")
    lines = text.splitlines()
    [cluster] = [line for line in lines if "aws:rds:Cluster " in line]
    assert "backstage-1-cluster" in cluster
    assert "protect; known after creation: " in cluster
    assert cluster.endswith("secret: masterPassword")
    count = len(previewed("prod").recording.resources)
    assert lines[-1] == f"    + {count} to create"
    assert sum(line.startswith(" + ") for line in lines) == count


def test_resources_json(tmp_path: Path) -> None:
    recording = previewed("prod").recording
    count = write(recording, previewed("prod", creates=True).recording, tmp_path)
    resources = json.loads((tmp_path / "resources.json").read_text(encoding="utf-8"))
    assert [each["urn"] for each in resources] == sorted(recording.resources)
    for each in resources:
        assert set(each) == KEYS
        assert each["parent"] in recording.resources or each["type"] == "pulumi:pulumi:Stack"
        assert set(each["dependencies"]) <= set(recording.resources)
        for urns in each["propertyDependencies"].values():
            assert set(urns) <= set(each["dependencies"])
    assert count == len(list((tmp_path / "manifests").iterdir()))


def test_urns_carry_the_whole_chain_of_types() -> None:
    assert previewed("prod").one(INGRESS_RULE).urn == (
        "urn:pulumi:prod::backstage::backstage:database:AuroraPostgres"
        "$backstage:database:AuroraNetwork"
        "$aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule::backstage-from-cluster"
    )


def test_unknowns_and_secrets_are_marked() -> None:
    program = previewed("prod")
    shown = resource_object(program.recording, program.one(CLUSTER).urn)
    assert shown["inputs"]["masterPassword"] == SECRET
    assert shown["inputs"]["dbSubnetGroupName"] == COMPUTED
    assert shown["inputs"]["vpcSecurityGroupIds"] == [COMPUTED]
    assert shown["provider"].endswith(f"::backstage-aws::{COMPUTED}")


def test_manifests_are_complete_objects(tmp_path: Path) -> None:
    write(previewed("dev").recording, previewed("dev", creates=True).recording, tmp_path)
    for file in (tmp_path / "manifests").iterdir():
        text = file.read_text(encoding="utf-8")
        manifest = yaml.safe_load(text)
        assert file.name == f"{manifest['kind'].lower()}-{manifest['metadata']['name']}.yaml"
        assert COMPUTED not in text
    config = (tmp_path / "manifests" / "configmap-backstage-app-config.yaml").read_text("utf-8")
    shipped = (ROOT / "assets" / "app-config.production.yaml").read_text("utf-8")
    assert yaml.safe_load(config)["data"]["app-config.production.yaml"] == shipped


def test_files_of_an_earlier_preview_are_deleted(tmp_path: Path) -> None:
    stale = tmp_path / "manifests" / "stale.yaml"
    stale.parent.mkdir()
    stale.touch()
    write(previewed("prod").recording, previewed("prod", creates=True).recording, tmp_path)
    assert not stale.exists()


def test_the_readme_shows_the_number_of_resources() -> None:
    output = report(previewed("prod").recording, "prod")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [shown], [found] = (re.findall(r"\+ \d+ to create", text) for text in (readme, output))
    assert shown == found


def test_values_of_an_environment_are_said_to_be_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for environment, said in (("[acme/base]", True), ("{values: {a: 1}}", True), ("[]", False)):
        arguments = project(tmp_path, "", f"environment: {environment}\nconfig: {{}}\n")
        assert main(arguments) == 0
        warned = "Pulumi.dev.yaml: environment: what Pulumi ESC adds isn't read offline"
        assert (warned in capsys.readouterr().err) == said
