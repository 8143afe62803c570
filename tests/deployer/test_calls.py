"""The committed policies against recorded calls of the provider and the CLI.

An evaluator of another project decides, with AWS's published authorization data: which resources
an action takes, and which condition keys it knows.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from tests.deployer.calls import Call, Replay, Request
from tests.deployer.record import CALLS, compact
from tests.deployer.test_files import COMMITTED, listed, written
from tests.programs import EKS_STACKS, ROOT, stack_config
from tools.deployer import __main__ as tool
from tools.preview.stack_file import StackConfig, read_stack

pytestmark = pytest.mark.deployer

EVALUATOR = ROOT / "tests" / "deployer" / "evaluator" / "evaluate.mjs"
ACCOUNT = "123456789012"
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/deployer"
Policies = list[dict[str, Any]]
# The last one has a boundary, a key of the company's, alarms, a dashboard and TechDocs.
RECORDED = (*COMMITTED, "existing-environment")
each_stack = pytest.mark.parametrize("stack", RECORDED)

# What the recorded calls don't show. Every other action of a policy has one.
UNRECORDED = {
    "ec2:ModifySecurityGroupRules": "the cluster's security group is another one",
    "iam:CreatePolicyVersion": "a release brings another policy of the controller",
    "iam:DeletePolicyVersion": "the same, once the policy has five versions",
    "iam:UpdateAssumeRolePolicy": "a pod's role gets another cluster or account",
    "iam:UpdateRoleDescription": "a portal whose pods have a role gets a bucket",
    "rds:ModifyDBSubnetGroup": "the database gets other subnets",
    "s3:ListTagsForResource": "releases of the provider since 6.23; earlier ones read tags",
    "s3:TagResource": "the same, when they create a bucket or tag it",
    "s3:UntagResource": "the same, of a tag that is removed",
    "secretsmanager:UpdateSecretVersionStage": "an interrupted rotation is resumed",
    "eks:UpdatePodIdentityAssociation": "a role is replaced",
}
# Statements for a key that a stack gets after its first update.
SET_LATER = {"LogsKey", "SecretsmanagerKey"}
# Phases in which the plan itself changes.
RENEWED = ("boundary", "bucket", "no-bucket", "host")
# What Docker's client calls with the registry's token. Source: ECR User Guide, "Required IAM
# permissions for pushing an image".
PUSH = (
    "BatchCheckLayerAvailability", "BatchGetImage", "CompleteLayerUpload",
    "GetDownloadUrlForLayer", "InitiateLayerUpload", "PutImage", "UploadLayerPart",
)  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """Whether a request is allowed, and by which statements."""

    allowed: bool
    statements: list[str]
    error: str | None


def evaluate(policies: Policies, requests: Iterable[Request]) -> list[Verdict]:
    """The evaluator's decisions."""
    given = {
        "principal": DEPLOYER,
        "account": ACCOUNT,
        "policies": policies,
        "requests": [asdict(each) for each in requests],
    }
    done = subprocess.run(
        ["node", EVALUATOR],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Verdict(**each) for each in json.loads(done.stdout)]


@functools.cache
def config(stack: str) -> StackConfig:
    return read_stack(ROOT, stack) if stack in COMMITTED else stack_config(stack)


@functools.cache
def recorded(stack: str) -> tuple[tuple[Call, Request], ...]:
    """What was recorded of a stack, and of the CLI with its state."""
    state = (CALLS / "state.jsonl").read_text(encoding="utf-8").replace("/dev", f"/{stack}")
    own = (CALLS / f"{stack}.jsonl").read_text(encoding="utf-8")
    return replayed(stack, [*own.splitlines(), *state.splitlines()])


def replayed(stack: str, lines: Iterable[str]) -> tuple[tuple[Call, Request], ...]:
    """Each request with the call that leads to it, without repetitions."""
    replay = Replay(f"alias/pulumi-{stack}")
    found: dict[tuple[str, str], tuple[Call, Request]] = {}
    for line in lines:
        call = json.loads(line)
        for request in replay.requests(call):
            found.setdefault((call["phase"], str(request)), (call, request))
    return tuple(found.values())


def committed(stack: str, name: str = "policy-*.json") -> Policies:
    """Policies in deployer/, or of a stack file under tests/, for the bucket of the recording."""
    folder = ROOT / "deployer" / stack
    if stack in COMMITTED:
        texts = [file.read_text(encoding="utf-8") for file in sorted(folder.glob(name))]
        bucket = tool.given(folder, stack).state_bucket
    else:
        texts = [text for file, text in written(stack).items() if fnmatch(file, name)]
        bucket = tool.placeholders(stack).state_bucket
    assert texts
    return [json.loads(text.replace(f":::{bucket}", ":::state-bucket")) for text in texts]


def sids(policies: Policies) -> Iterator[str]:
    for policy in policies:
        for statement in policy["Statement"]:
            yield statement["Sid"]


def refused(policies: Policies, given: Iterable[tuple[Call, Request]]) -> list[str]:
    """The recorded requests that the policies don't allow."""
    given = list(given)
    verdicts = evaluate(policies, [request for _, request in given])
    return [
        f"{call['phase']} {call['operation']}: {request} {verdict.error or ''}"
        for (call, request), verdict in zip(given, verdicts, strict=True)
        if not verdict.allowed
    ]


def pushes(stack: str) -> list[tuple[Call, Request]]:
    """Requests of Docker's client, if the stack builds an image."""
    repository = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/backstage-{stack}"
    call = {"phase": "push", "operation": "docker push"}
    builds = "backstage:appPath" in config(stack).values
    return [(call, Request(f"ecr:{name}", repository, {})) for name in PUSH if builds]


def pulls(stack: str) -> list[tuple[Call, Request]]:
    """Requests of cosign, if the stack runs an image that another one has pushed to ECR."""
    values = config(stack).values
    if "backstage:appPath" in values:
        return []
    name = str(values["backstage:imageRepository"]).rpartition("/")[2]
    repository = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{name}"
    call = {"phase": "preview", "operation": "cosign verify"}
    return [
        (call, Request("ecr:GetAuthorizationToken", "*", {})),
        (call, Request("ecr:BatchGetImage", repository, {})),
        (call, Request("ecr:GetDownloadUrlForLayer", repository, {})),
    ]


def requests(stack: str) -> list[tuple[Call, Request]]:
    """Everything that the committed policy has to allow."""
    own = [each for each in recorded(stack) if each[0]["phase"] not in RENEWED]
    return [*own, *pushes(stack), *pulls(stack)]


@each_stack
def test_every_recorded_call_is_allowed(stack: str) -> None:
    operations = {call["operation"] for call, _ in recorded(stack)}
    assert operations >= {
        "CreateDBCluster", "DeleteDBCluster", "ModifyDBCluster", "PutSecretValue",
        "RestoreDBClusterFromSnapshot",
    }  # fmt: skip
    assert refused_by_phase(stack, [*recorded(stack), *pushes(stack), *pulls(stack)]) == []


@each_stack
def test_a_preview_is_allowed_with_its_own_policy(stack: str) -> None:
    made = [each for each in requests(stack) if each[0]["phase"] == "preview"]
    assert {request.action for _, request in made} >= {"eks:DescribeCluster", "s3:GetObject"}
    assert refused(committed(stack, "preview-policy.json"), made) == []
    others = [each for each in requests(stack) if each[0]["operation"].startswith("Create")]
    assert len(refused(committed(stack, "preview-policy.json"), others)) == len(others) > 0


@each_stack
def test_without_any_statement_a_recorded_call_is_refused(stack: str) -> None:
    for name in ("policy-*.json", "preview-policy.json"):
        policies = committed(stack, name)
        verdicts = evaluate(policies, [request for _, request in requests(stack)])
        needed = {each.statements[0] for each in verdicts if len(each.statements) == 1}
        assert set(sids(policies)) - needed <= SET_LATER


def test_every_action_has_a_recorded_call() -> None:
    made = {stack: [request for _, request in requests(stack)] for stack in COMMITTED}
    used = {
        (sid, request.action)
        for stack, each in made.items()
        for request, verdict in zip(each, evaluate(committed(stack), each), strict=True)
        for sid in verdict.statements
    }
    granted = {
        (statement["Sid"], action)
        for stack in COMMITTED
        for policy in committed(stack)
        for statement in policy["Statement"]
        for action in listed(statement["Action"])
    }
    assert {action for _, action in granted - used} == set(UNRECORDED)


@each_stack
def test_every_action_resource_and_condition_can_match(stack: str) -> None:
    """A key that an action doesn't know, or a resource that it doesn't take, never matches."""
    for name in ("policy-*.json", "preview-policy.json"):
        policies = committed(stack, name)
        samples = [
            (statement, request)
            for policy in policies
            for statement in policy["Statement"]
            for request in sampled(statement)
        ]
        verdicts = evaluate(policies, [request for _, request in samples])
        for policy in policies:
            for statement in policy["Statement"]:
                matched = [
                    request
                    for (of, request), each in zip(samples, verdicts, strict=True)
                    if of is statement and statement["Sid"] in each.statements
                ]
                assert {each.action for each in matched} == set(listed(statement["Action"]))
                resources = {sample(resource) for resource in listed(statement["Resource"])}
                assert {each.resource for each in matched} == resources, statement["Sid"]


def sample(pattern: str) -> str:
    """A name that a pattern matches."""
    return pattern if pattern == "*" else pattern.replace("*", "x").replace("?", "a")


def sampled(statement: Mapping[str, Any]) -> Iterator[Request]:
    """Each action on each resource, with the context that the condition asks for."""
    context: dict[str, str | list[str]] = {}
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            first = sample(listed(values)[0])
            context[key] = [first] if operator.startswith("For") else first
    for action in listed(statement["Action"]):
        for resource in listed(statement["Resource"]):
            yield Request(action, sample(resource), context)


@pytest.mark.parametrize(
    ("stack", "phase"), [("dev", "host"), ("prod", "bucket"), ("prod", "no-bucket")]
)
def test_change_of_the_plan_needs_renewed_policies(stack: str, phase: str) -> None:
    calls = [each for each in recorded(stack) if each[0]["phase"] == phase]
    assert refused(committed(stack), calls) != []
    assert refused_by_phase(stack, calls) == []


def renewed(stack: str, keys: Mapping[str, str]) -> Policies:
    """The policies of a stack with some keys changed."""
    known = config(stack)
    changed = dataclasses.replace(known, values={**known.values, **keys})
    files = tool.files(changed, tool.placeholders(stack))
    return [json.loads(text) for name, text in files.items() if name.startswith("policy-")]


@pytest.mark.parametrize("stack", EKS_STACKS)
def test_every_call_of_a_stack_file_is_allowed(stack: str) -> None:
    """Of those that `AWS_CALLS=DIR make test-aws` recorded."""
    file = Path(os.environ.get("AWS_CALLS", "")) / f"{stack}.jsonl"
    if not file.is_file():
        pytest.skip(f"AWS_CALLS names no directory with {stack}.jsonl")
    with file.open(encoding="utf-8") as lines:
        assert refused_by_phase(stack, replayed(stack, compact(lines))) == []


def refused_by_phase(stack: str, made: Sequence[tuple[Call, Request]]) -> list[str]:
    """As `refused`, with policies that are renewed before a boundary or a bucket changes, and for
    another host stand beside the old ones.
    """
    values = config(stack).values
    host = f"moved.{values.get('backstage:hostedZoneName', 'example.com')}"
    current, bucket = committed(stack), renewed(stack, {"backstage:techdocsBucket": "create"})
    policies = {"bucket": bucket, "no-bucket": bucket}
    if boundary := values.get("backstage:permissionsBoundaryArn"):
        other = {"backstage:permissionsBoundaryArn": f"{boundary}-2"}
        policies["boundary"] = renewed(stack, other)
    phases = list(dict.fromkeys(call["phase"] for call, _ in made))
    moved = [*current, *renewed(stack, {"backstage:host": host})]
    if "host" in phases:
        policies |= dict.fromkeys(phases[phases.index("host") :], moved)
    by_phase = {phase: [each for each in made if each[0]["phase"] == phase] for phase in phases}
    found = (refused(policies.get(phase, current), calls) for phase, calls in by_phase.items())
    return list(itertools.chain.from_iterable(found))


KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1b2c3d4e-0000-4000-8000-5f6a7b8c9d0e"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"


def test_own_key_and_boundary() -> None:
    keys = {"backstage:kmsKeyArn": KEY, "backstage:permissionsBoundaryArn": BOUNDARY}
    policies = renewed("prod", keys)
    role = f"{IAM}:role/backstage-1-monitoring-role-0a1b2c3"
    rds: dict[str, str | list[str]] = {"kms:ViaService": "rds.us-east-1.amazonaws.com"}
    bounded: dict[str, str | list[str]] = {"iam:PermissionsBoundary": BOUNDARY}
    allowed = [
        Request("kms:GenerateDataKey", KEY, rds),
        Request("kms:CreateGrant", KEY, {**rds, "kms:GrantIsForAWSResource": "true"}),
        Request("iam:CreateRole", role, {**AS_OTHERS, **bounded}),
        Request("iam:PutRolePermissionsBoundary", role, {**OTHERS, **bounded}),
    ]
    denied = [
        Request("kms:GenerateDataKey", KEY, {}),
        Request("kms:CreateGrant", KEY, {**rds, "kms:GrantIsForAWSResource": "false"}),
        Request("kms:Decrypt", KEY.replace("1b2c", "0000"), rds),
        Request("iam:CreateRole", role, AS_OTHERS),
        Request("iam:DeleteRolePermissionsBoundary", role, {**OTHERS, **bounded}),
        Request("iam:PutRolePermissionsBoundary", role, OTHERS),
    ]
    verdicts = [each.allowed for each in evaluate(policies, [*allowed, *denied])]
    assert verdicts == [True] * len(allowed) + [False] * len(denied)


OTHERS: dict[str, str | list[str]] = {
    "aws:ResourceTag/project": "backstage",
    "aws:ResourceTag/stack": "prod",
}
OWN: dict[str, str | list[str]] = {
    "aws:ResourceTag/project": "backstage",
    "aws:ResourceTag/stack": "dev",
}
RDS, IAM = f"arn:aws:rds:us-east-1:{ACCOUNT}", f"arn:aws:iam::{ACCOUNT}"
ROLE = f"{IAM}:role/backstage-techdocs-role-0a1b2c3"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret"
ZONE = "arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ"
RECORDS = "route53:ChangeResourceRecordSets"
AS_OTHERS = {key.replace("Resource", "Request"): value for key, value in OTHERS.items()}
AS_OWN = {key.replace("Resource", "Request"): value for key, value in OWN.items()}


NOT_THE_STACKS: list[tuple[str, str, dict[str, str | list[str]]]] = [
    ("rds:DeleteDBCluster", f"{RDS}:cluster:backstage-prod-1", OWN),
    ("rds:DeleteDBCluster", f"{RDS}:cluster:backstage-dev-1", OTHERS),
    ("rds:DeleteDBCluster", f"{RDS}:cluster:backstage-dev-1", {}),
    ("rds:DeleteDBInstance", f"{RDS}:db:backstage-1-instance-0-0a1b2c3", OTHERS),
    ("rds:CreateDBSubnetGroup", f"{RDS}:subgrp:backstage-subnet-group-0a1b2c3", AS_OTHERS),
    ("rds:CreateDBSubnetGroup", f"{RDS}:subgrp:backstage-subnet-group-0a1b2c3", {}),
    ("rds:RestoreDBClusterFromSnapshot", f"{RDS}:cluster-snapshot:before", OTHERS),
    # Another stack's resource can't be tagged as this stack's.
    ("iam:TagRole", ROLE, {**AS_OWN, **OTHERS}),
    ("secretsmanager:TagResource", f"{SECRET}:backstage-postgres-role-0a1b2c3-AbCdEf",
     {**AS_OWN, **OTHERS}),
    ("secretsmanager:GetSecretValue", f"{SECRET}:backstage-postgres-role-0a1b2c3-AbCdEf",
     OTHERS),
    ("secretsmanager:GetSecretValue", f"{SECRET}:payments-AbCdEf", OWN),
    ("iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}),
    ("iam:PassRole", f"{IAM}:role/administrator",
     {"iam:PassedToService": "pods.eks.amazonaws.com"}),
    ("iam:AttachRolePolicy", f"{IAM}:role/backstage-1-monitoring-role-0a1b2c3",
     {**OWN, "iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    ("iam:CreateRole", f"{IAM}:role/administrator", AS_OWN),
    ("iam:CreateServiceLinkedRole", f"{IAM}:role/aws-service-role/ecs.amazonaws.com/x",
     {"iam:AWSServiceName": "ecs.amazonaws.com"}),
    ("ec2:AuthorizeSecurityGroupIngress",
     f"arn:aws:ec2:us-east-1:{ACCOUNT}:security-group/sg-1", OTHERS),
    ("ec2:CreateTags", f"arn:aws:ec2:us-east-1:{ACCOUNT}:security-group/sg-1", AS_OWN),
    (RECORDS, ZONE, {f"{RECORDS}NormalizedRecordNames": ["www.dev.example.com"],
                     f"{RECORDS}RecordTypes": ["A"]}),
    (RECORDS, ZONE, {f"{RECORDS}NormalizedRecordNames": ["backstage.dev.example.com"],
                     f"{RECORDS}RecordTypes": ["TXT"]}),
    ("s3:GetObject", "arn:aws:s3:::state-bucket/.pulumi/stacks/backstage/prod.json", {}),
    ("s3:PutBucketPolicy", "arn:aws:s3:::state-bucket", {}),
    ("s3:GetObject", "arn:aws:s3:::backstage-techdocs-0a1b2c3/index.html", {}),
    ("kms:Decrypt", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1",
     {"kms:ResourceAliases": ["alias/pulumi-prod"]}),
    ("eks:DescribeCluster", f"arn:aws:eks:us-east-1:{ACCOUNT}:cluster/platform-prod", {}),
]  # fmt: skip


def test_what_is_not_the_stacks_is_refused() -> None:
    made = [Request(*each) for each in NOT_THE_STACKS]
    verdicts = evaluate(committed("dev"), made)
    assert [each.error for each in verdicts if each.error] == []
    allowed = [request for request, each in zip(made, verdicts, strict=True) if each.allowed]
    assert allowed == []
