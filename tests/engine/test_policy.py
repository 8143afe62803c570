"""The policy pack on the real engine, on this program and on another."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

import pytest

from tests.engine.cli import Engine, Run
from tests.programs import ROOT

PACK = ROOT / "policy"

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        not (PACK / ".venv").exists(), reason="no policy/.venv; run `pulumi install` in policy"
    ),
]
PROJECT = """
name: library
runtime: {name: python, options: {virtualenv: .venv}}
"""
OTHER = """
    import pulumi, pulumi_aws as aws
    provider = pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-east-1"))
    aws.s3.Bucket("papers", opts=provider)
    group = aws.ec2.SecurityGroup("open", opts=provider)
    aws.vpc.SecurityGroupIngressRule(
        "anyone", security_group_id=group.id, ip_protocol="tcp", from_port=22, to_port=22,
        cidr_ipv4="0.0.0.0/0", opts=provider,
    )
    """


def judged(engine: Engine, operation: str, stack: str, *arguments: str) -> Run:
    return engine.operate(operation, stack, "--policy-pack", str(PACK), *arguments, check=False)


def reported(level: str, rule: str, resource: str, run: Run) -> bool:
    line = rf"\[{level}\] \[severity: \w+\]  {rule}  \({re.escape(resource)}\)"
    return re.search(line, run.output) is not None


def test_own_stacks_pass(engine: Engine) -> None:
    for stack in ("dev", "prod", "local"):
        engine.new_stack(stack)
        run = judged(engine, "preview", stack)
        assert run.code == 0, run.output
        assert "backstage@v" in run.output
        assert "[mandatory]" not in run.output
        # The images of dev are known once they are built.
        unknown = "unknown until the update: spec.template.spec.containers[0].image"
        assert (unknown in run.output) == (stack == "dev")


def test_update_judges_what_was_created(engine: Engine) -> None:
    engine.new_stack("dev")
    run = judged(engine, "up", "dev", "--skip-preview")
    assert run.code == 0, run.output
    assert "unknown until the update" not in run.output


def test_broken_stack_fails(engine: Engine) -> None:
    engine.new_stack("prod")
    for key, value in (("databaseInstances", "1"), ("databaseDeletionProtection", "false")):
        engine.set("prod", key, value)
    run = judged(engine, "preview", "prod")
    assert run.code != 0
    for rule in ("rds-multi-az", "rds-deletion-protection"):
        assert reported("mandatory", rule, "aws:rds:Cluster: backstage-1-cluster", run)
    assert "Fix: a second instance" in run.output


def test_levels_are_pulumis(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "levels.json"
    file.write_text('{"rds-port": "mandatory", "secret-rotation": "advisory"}', encoding="utf-8")
    engine.new_stack("prod")
    run = judged(engine, "preview", "prod", "--policy-pack-config", str(file))
    assert run.code != 0
    assert reported("mandatory", "rds-port", "aws:rds:Cluster: backstage-1-cluster", run)
    secret = "aws:secretsmanager:Secret: backstage-postgres-role"
    assert reported("advisory", "secret-rotation", secret, run)


def test_useless_suppressions_fail(engine: Engine, tmp_path: Path) -> None:
    pack = tmp_path / "elsewhere" / "policy"
    shutil.copytree(PACK, pack, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    (pack / ".venv").symlink_to((PACK / ".venv").resolve())
    file = pack / "suppressions.yaml"
    text = file.read_text(encoding="utf-8").replace("2027-05-26", "2026-01-01", 1)
    file.write_text(text.replace("rule: rds-multi-az", "rule: rds-logs"), encoding="utf-8")
    engine.new_stack("dev")
    run = engine.operate("preview", "dev", "--policy-pack", str(pack), check=False)
    assert run.code != 0
    expired, unmatched = "rds-deletion-protection", "rds-logs"
    assert f"{expired} on backstage-*-cluster in dev expired on 2026-01-01" in run.output
    assert f"{unmatched} on backstage-*-cluster in dev matches no violation" in run.output
    assert reported("mandatory", "rds-multi-az", "aws:rds:Cluster: backstage-1-cluster", run)


def test_other_program(engine: Engine) -> None:
    (engine.directory / "__main__.py").write_text(textwrap.dedent(OTHER), encoding="utf-8")
    (engine.directory / "Pulumi.yaml").write_text(PROJECT, encoding="utf-8")
    (engine.directory / "Pulumi.dev.yaml").write_text("config: {}", encoding="utf-8")
    engine.new_stack("dev")
    run = judged(engine, "preview", "dev")
    assert run.code != 0
    assert reported("mandatory", "s3-tls-only", "aws:s3:Bucket: papers", run)
    assert "anyone reaches tcp 22-22" in run.output
    assert "suppressions" not in run.output
