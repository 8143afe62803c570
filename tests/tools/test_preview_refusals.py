"""Programs that the engine would refuse fail the offline preview."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tools.project import project
from tools.preview.__main__ import main

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
    "wrong argument": ("random.RandomId('a', bytes=4)", "TypeError"),
    "RunError": ("raise pulumi.RunError('set a key')", "error: set a key"),
    "syntax error": ("def", "SyntaxError"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_program_previews_and_writes_nothing(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, message = REFUSED[case]
    assert main(project(tmp_path, program)) == 1
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.startswith("error: ")
    assert printed.out == ""
    assert not (tmp_path / "build").exists()


def test_traceback_holds_the_programs_own_frames_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(project(tmp_path, "def broken():\n    1 / 0\nbroken()")) == 1
    printed = capsys.readouterr().err
    assert "in broken" in printed
    assert not [each for each in ("runpy", "asyncio", "site-packages") if each in printed]


def test_run_error_prints_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(project(tmp_path, "raise pulumi.RunError('set a key')")) == 1
    assert capsys.readouterr().err == "error: set a key\n"


def test_a_problem_of_the_configuration_names_the_line_of_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = "config:\n  aws:region: us-east\n  shop:replica: 3\n  port: 80\n"
    assert main(project(tmp_path, "from settings.load import load\nload()", stack)) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: Stack 'dev' has ")
    assert "\n  aws:region (Pulumi.dev.yaml: line 2)\n    given:   us-east\n" in printed
    assert "\n  replica (Pulumi.dev.yaml: line 3)\n    given:   an unknown key\n" in printed
    assert "\n  port (Pulumi.dev.yaml: line 4)\n    given:   80\n" in printed
    assert "\n  clusterName\n    given:   nothing\n" in printed
    keys = re.findall(r"^  (\w\S*)(?: \(.*:.* (\d)\))?$", printed, re.M)
    assert [line for _, line in keys[:3]] == ["2", "3", "4"]
    assert not any(line for _, line in keys[3:])


def test_every_problem_is_reported_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = "aws.sns.Topic('t')\nk8s.core.v1.Namespace('n')"
    assert main(project(tmp_path, program)) == 1
    printed = capsys.readouterr().err
    assert "'aws' disabled" in printed
    assert "'kubernetes' disabled" in printed


def test_random_may_use_its_default_provider(tmp_path: Path) -> None:
    assert main(project(tmp_path, "random.RandomId('a', byte_length=4)")) == 0
