"""The policy's verdict on every stack file."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from policy.aurora import max_connections
from policy.rule import Level
from policy.rules import RULES
from policy.suppressions import Suppressions
from settings.keys import DatabaseSettings
from tests.policy.broken import with_instances, without_scan
from tests.programs import COMMITTED, ROOT, STACKS, Program, previewed
from tests.tools.project import project
from tools.preview.__main__ import main
from tools.preview.policy import Verdict, verdict, verdict_report, write_verdict

TODAY = datetime.date(2026, 11, 26)
# What the stacks that only tests have don't meet, beside one database instance.
SINGLE = {("rds-multi-az", "backstage-1-cluster")}
PLAIN = {("database-tls", "backstage-deployment"), ("database-tls", "backstage-migrations")}
OPEN = {
    ("network-policy", name)
    for name in ("backstage-deployment", "backstage-database-role", "backstage-migrations")
}
RESTORED = {
    ("rds-deletion-protection", "backstage-2-cluster"),
    ("rds-minor-upgrades", "backstage-2-cluster"),
    *(("rds-minor-upgrades", f"backstage-2-instance-{number}") for number in range(3)),
    ("elb-https", "backstage-ingress"),
}
UNMET = {
    "auto-mode": SINGLE | OPEN,
    "existing": set(),
    "in-cluster": PLAIN | {("elb-https", "backstage-ingress")},
    "local-build": {("database-tls", "backstage-deployment")},
    "snapshot-restore": RESTORED,
}


def judged(stack: str) -> Verdict:
    created = previewed(stack, creates=True).recording
    # Of the others, tests of the scanners have the run with stand-ins already.
    preview = previewed(stack).recording if stack in COMMITTED else created
    return verdict(preview, created, today=TODAY)


def unmet(judged: Verdict) -> set[tuple[str, str]]:
    return {(each.rule.name, each.resource.name) for each in judged.violations}


@pytest.mark.parametrize("stack", STACKS)
def test_stack(stack: str) -> None:
    found = judged(stack)
    assert unmet(found) == (set() if stack in COMMITTED else UNMET.get(stack, SINGLE))
    assert not found.problems
    assert found.passed == (not found.violations)


def test_prod_has_no_suppression() -> None:
    assert not judged("prod").suppressed
    assert judged("dev").suppressed


def test_the_documentation_shows_real_verdicts() -> None:
    verdict_line = verdict_report(judged("prod")).splitlines()[0]
    assert verdict_line in (ROOT / "README.md").read_text(encoding="utf-8")
    preview, created = (without_scan(creates) for creates in (False, True))
    shown = "\n".join(verdict_report(verdict(preview, created, today=TODAY)).splitlines()[:4])
    assert shown in (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")


def test_unknowns_are_decided_by_stand_ins_or_said() -> None:
    found = judged("dev")
    assert {(each.rule.name, each.property) for each in found.unknowns} >= {
        ("s3-tls-only", "policy"),
        ("image-version", "spec.template.spec.containers[0].image"),
    }
    assert not found.undecided
    [budget] = judged("existing").undecided
    assert budget.rule.name == "connection-budget"
    assert budget.property == "max_connections of a database outside the plan"


def test_stand_ins_break_what_a_preview_cannot_know() -> None:
    program = previewed("dev")
    created = previewed("dev", creates=True).recording
    broken = Program(created)
    policy = broken.one("aws:s3/bucketPolicy:BucketPolicy")
    before = policy.raw_inputs["policy"]
    policy.raw_inputs["policy"] = json.dumps({"Statement": []})
    try:
        found = verdict(program.recording, created, today=TODAY)
    finally:
        policy.raw_inputs["policy"] = before
    assert unmet(found) == {("s3-tls-only", "backstage-techdocs")}
    assert "s3-tls-only" not in {each.rule.name for each in found.unknowns}


def test_report_and_json_of_a_violation(tmp_path: Path) -> None:
    single, created = (with_instances(1, creates) for creates in (False, True))
    found = verdict(single, created, today=TODAY)
    assert verdict_report(found).splitlines()[:4] == [
        f"Policy: 1 violation, 0 suppressed, 0 unknown until the update ({found.rules} rules, "
        f"{len(single.resources)} resources)",
        "    backstage-1-cluster: rds-multi-az (RDS.5, RDS.15, medium, mandatory)",
        "        instances: 1. A failover waits until AWS has created another one",
        "        fix: a second instance, in this project databaseInstances: 2; or multiAz: true",
    ]
    write_verdict(found, tmp_path / "policy.json")
    content = json.loads((tmp_path / "policy.json").read_text(encoding="utf-8"))
    assert not content["passed"]
    assert content["violations"][0]["controls"] == ["RDS.5", "RDS.15"]
    assert content["violations"][0]["urn"].endswith("::backstage-1-cluster")


OPEN_PORT = """
    import pulumi_aws as aws
    provider = pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-east-1"))
    aws.vpc.SecurityGroupIngressRule("ssh", security_group_id="sg-0", ip_protocol="tcp",
                                     from_port=22, to_port=22, cidr_ipv4="0.0.0.0/0", opts=provider)
    """


def test_preview_of_another_program_fails_with_the_violation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = project(tmp_path, OPEN_PORT)
    assert main(arguments) == 1
    shown = capsys.readouterr()
    assert "ssh: security-group-open (EC2.18, EC2.19" in shown.out
    assert "anyone reaches tcp 22-22" in shown.out
    assert shown.err == "error: stack dev fails the policy; see docs/policy.md\n"
    assert json.loads((tmp_path / "build/preview/dev/policy.json").read_text())["violations"]

    levels = tmp_path / "levels.json"
    levels.write_text('{"security-group-open": "advisory"}', encoding="utf-8")
    assert main([*arguments, f"--policy-pack-config={levels}"]) == 0
    assert "EC2.54, high, advisory)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "levels.json: line 1: no JSON: Expecting property name"),
        ('{"rds-backup": "mandatory"}', "there is no rule 'rds-backup'; did you mean rds-backups?"),
        ("[]", "has to be an object"),
        ('{"nope": "mandatory"}', "there is no rule 'nope'; see docs/policy.md"),
        ('{"rds-port": "on"}', "rds-port is 'on'; allowed: mandatory, advisory, disabled"),
        ('{"nope": "off"}', "'nope'; see docs/policy.md\n{file}: nope is 'off'; allowed: mand"),
    ],
)
def test_wrong_levels_are_one_message(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "levels.json"
    file.write_text(text, encoding="utf-8")
    assert main(["local", f"--policy-pack-config={file}", f"--out={tmp_path / 'out'}"]) == 1
    assert said.format(file=file) in capsys.readouterr().err


def test_no_message_holds_a_secret() -> None:
    created = previewed("dev", creates=True).recording
    password = "offline-preview"  # every generated one
    assert password in str(created.resources)
    everything: dict[str, Level] = dict.fromkeys(RULES, "mandatory")
    found = verdict(created, created, everything, Suppressions("", "", []), TODAY)
    assert found.violations
    assert password not in verdict_report(found)


@pytest.mark.parametrize("instance_class", ["db.serverless", "db.t4g.medium", "db.t4g.large",
                                            "db.r7g.large", "db.r7g.2xlarge"])  # fmt: skip
@pytest.mark.parametrize(("least", "most"), [(0.5, 2), (0.5, 64), (1, 1), (1, 4), (8, 128)])
def test_connections_are_those_of_the_settings(
    instance_class: str, least: float, most: float
) -> None:
    settings = DatabaseSettings(
        instance_class=instance_class, min_capacity=least, max_capacity=most
    )
    assert max_connections(instance_class, least, most) == settings.max_connections
