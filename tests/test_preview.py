"""The offline preview: what it prints, what it writes, and what it refuses as the engine does."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
import yaml

from tests.programs import ROOT, previewed
from tools.preview.__main__ import main, resource_object, write
from tools.preview.monitor import COMPUTED, SECRET
from tools.preview.report import report
from tools.preview.stack_file import ENCRYPTED, StackFileError, read_stack

PROJECT = """
name: shop
runtime: python
config:
  pulumi:disable-default-providers:
    value: [aws, kubernetes]
"""
IMPORTS = "import pulumi, pulumi_aws as aws, pulumi_kubernetes as k8s, pulumi_random as random\n"
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


def project(root: Path, program: str, stack: str = "config: {}") -> list[str]:
    """A project in `root`; returns the arguments that preview it."""
    (root / "Pulumi.yaml").write_text(PROJECT, encoding="utf-8")
    (root / "Pulumi.dev.yaml").write_text(stack, encoding="utf-8")
    (root / "__main__.py").write_text(IMPORTS + textwrap.dedent(program), encoding="utf-8")
    return ["dev", "--root", str(root)]


# What the engine refuses

REFUSED = {
    "duplicate URN": (
        """
        random.RandomId("a", byte_length=4)
        random.RandomId("a", byte_length=8)
        """,
        "Duplicate resource URN 'urn:pulumi:dev::shop::random:index/randomId:RandomId::a'",
    ),
    "AWS resource without provider": (
        "aws.sns.Topic('t')",
        "Default provider for 'aws' disabled. resource urn:pulumi:dev::shop::aws:sns/topic:Topic::t"
        " must use an explicit provider",
    ),
    "Kubernetes resource without provider": (
        "k8s.core.v1.Namespace('n')",
        "Default provider for 'kubernetes' disabled.",
    ),
    "component that lost its provider": (
        """
        p = aws.Provider("p", region="us-east-1")
        c = pulumi.ComponentResource("shop:x:Y", "c", opts=pulumi.ResourceOptions(provider=p))
        aws.sns.Topic("good", opts=pulumi.ResourceOptions(parent=c))
        d = pulumi.ComponentResource("shop:x:Y", "d")
        aws.sns.Topic("bad", opts=pulumi.ResourceOptions(parent=d))
        """,
        "shop:x:Y$aws:sns/topic:Topic::bad must use an explicit provider",
    ),
    "look-up without provider": (
        "aws.eks.get_cluster_output(name='c')",
        "look-up aws:eks/getCluster:getCluster must use an explicit provider",
    ),
    "look-up without answer": (
        """
        p = aws.Provider("p", region="us-east-1")
        aws.get_availability_zones_output(opts=pulumi.InvokeOutputOptions(provider=p))
        """,
        "the look-up aws:index/getAvailabilityZones:getAvailabilityZones has no recorded answer",
    ),
    "reading an existing resource": (
        """
        p = aws.Provider("p", region="us-east-1")
        aws.sns.Topic.get("t", "arn", opts=pulumi.ResourceOptions(provider=p))
        """,
        "reading aws:sns/topic:Topic arn has no recorded answer",
    ),
    "Output in a string": (
        """
        a = random.RandomId("a", byte_length=4)
        pulumi.export("x", f"id {a.hex}")
        """,
        "Calling __str__ on an Output[T] is not supported",
    ),
    "failing program": ("1 / 0", "ZeroDivisionError: division by zero"),
    "failing apply": (
        "pulumi.Output.from_input(1).apply(lambda x: x / 0)",
        "ZeroDivisionError: division by zero",
    ),
    "wrong argument": (
        "random.RandomId('a', bytes=4)",
        "TypeError",
    ),
    "RunError": ("raise pulumi.RunError('mend this')", "error: mend this"),
    "syntax error": ("def", "SyntaxError"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program, message = REFUSED[case]
    assert main(project(tmp_path, program)) == 1
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.startswith("error: ")
    assert "create" not in printed.out
    assert not (tmp_path / "build").exists()


def test_a_failure_shows_the_programs_own_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(project(tmp_path, "def broken():\n    1 / 0\nbroken()")) == 1
    printed = capsys.readouterr().err
    assert "in broken" in printed
    assert "runpy" not in printed
    assert "asyncio" not in printed
    assert "site-packages" not in printed


def test_run_error_has_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(project(tmp_path, "raise pulumi.RunError('mend this')")) == 1
    assert capsys.readouterr().err == "error: mend this\n"


def test_every_problem_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = "aws.sns.Topic('t')\nk8s.core.v1.Namespace('n')"
    assert main(project(tmp_path, program)) == 1
    printed = capsys.readouterr().err
    assert "'aws' disabled" in printed
    assert "'kubernetes' disabled" in printed


def test_random_may_keep_its_default_provider(tmp_path: Path) -> None:
    assert main(project(tmp_path, "random.RandomId('a', byte_length=4)")) == 0


# What it prints and writes


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
        "Written to build/preview/dev: resources.json and 0 Kubernetes manifests",
    ]


def test_report_of_prod() -> None:
    text = report(previewed("prod").recording, "prod")
    lines = text.splitlines()
    cluster = next(line for line in lines if "aws:rds:Cluster " in line)
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
    [rule] = previewed("prod").all("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert rule.urn == (
        "urn:pulumi:prod::backstage::backstage:database:AuroraPostgres"
        "$backstage:database:AuroraNetwork"
        "$aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule::backstage-from-cluster"
    )


def test_unknowns_and_secrets_are_marked() -> None:
    recording = previewed("prod").recording
    [urn] = [urn for urn in recording.resources if urn.endswith("::backstage-1-cluster")]
    shown = resource_object(recording, urn)
    assert shown["inputs"]["masterPassword"] == SECRET
    assert shown["inputs"]["dbSubnetGroupName"] == COMPUTED
    assert shown["inputs"]["vpcSecurityGroupIds"] == [COMPUTED]
    assert shown["provider"].endswith(f"::backstage-aws::{COMPUTED}")


def test_manifests_are_whole_objects(tmp_path: Path) -> None:
    write(previewed("dev").recording, previewed("dev", creates=True).recording, tmp_path)
    files = sorted((tmp_path / "manifests").iterdir())
    for file in files:
        manifest = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert file.name == f"{manifest['kind'].lower()}-{manifest['metadata']['name']}.yaml"
        assert COMPUTED not in file.read_text(encoding="utf-8")
    config = (tmp_path / "manifests" / "configmap-backstage-app-config.yaml").read_text("utf-8")
    shipped = (ROOT / "assets" / "app-config.production.yaml").read_text("utf-8")
    assert yaml.safe_load(config)["data"]["app-config.production.yaml"] == shipped


def test_an_earlier_preview_leaves_nothing_behind(tmp_path: Path) -> None:
    stale = tmp_path / "manifests" / "stale.yaml"
    stale.parent.mkdir()
    stale.touch()
    write(previewed("prod").recording, previewed("prod", creates=True).recording, tmp_path)
    assert not stale.exists()


# Stack files


def test_configuration_as_the_engine_hands_it_over(tmp_path: Path) -> None:
    stack = """
    config:
      shop:count: 2
      shop:share: 0.5
      shop:on: true
      shop:text: "2"
      shop:list: [1, a]
      aws:region: us-east-1
      shop:hidden: {secure: v1:abc}
      shop:mixed: {plain: a, token: {secure: v1:abc}}
    """
    project(tmp_path, "", textwrap.dedent(stack))
    config = read_stack(tmp_path, "dev")
    assert config.values == {
        "pulumi:disable-default-providers": '["aws", "kubernetes"]',
        "shop:count": "2",
        "shop:share": "0.5",
        "shop:on": "true",
        "shop:text": "2",
        "shop:list": '[1, "a"]',
        "aws:region": "us-east-1",
        "shop:hidden": ENCRYPTED,
        "shop:mixed": json.dumps({"plain": "a", "token": ENCRYPTED}),
    }
    assert config.secret_keys == ["shop:hidden", "shop:mixed"]
    assert config.explicit_packages == {"aws", "kubernetes"}


@pytest.mark.parametrize(
    ("text", "message"),
    [("config: [", "while parsing"), ("- a", "not a YAML mapping"), (None, "No such file")],
)
def test_unreadable_stack_file(
    text: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = project(tmp_path, "", text or "")
    if text is None:
        (tmp_path / "Pulumi.dev.yaml").unlink()
    with pytest.raises(StackFileError, match=message):
        read_stack(tmp_path, "dev")
    assert main(arguments) == 1
    assert "Pulumi.dev.yaml" in capsys.readouterr().err


def test_an_encrypted_secret_stays_out_of_the_preview(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.prod.yaml"
    committed = (ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8")
    secret = "  backstage:secretEnv:\n    GITHUB_TOKEN:\n      secure: v1:ciphertext\n"
    file.write_text(committed + secret, encoding="utf-8")
    out = tmp_path / "out"
    assert main(["prod", "--config-file", str(file), "--out", str(out)]) == 0
    written = "".join(each.read_text("utf-8") for each in out.rglob("*.*") if each.is_file())
    assert "GITHUB_TOKEN: __SECRET:backstage-secrets/GITHUB_TOKEN__" in written
    assert f'"{ENCRYPTED}"' not in written
    assert "ciphertext" not in written
