"""The files in deployer/, and what the tool writes for every stack file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tests.kubernetes_schema import validate
from tests.programs import (
    EKS_STACKS,
    LOCAL_STACKS,
    ROOT,
    STACK_FILES,
    STACKS,
    changed,
    previewed,
    stack_config,
)
from tools.deployer import __main__ as tool
from tools.deployer import aws_policy, kubernetes_roles
from tools.deployer.aws_policy import deploy_policy, preview_policy
from tools.deployer.plan import DeployerError, Plan
from tools.deployer.statements import LIMIT, Statements, size
from tools.deployer.surroundings import Surroundings
from tools.preview.recording import Recording
from tools.preview.stack_file import read_stack

COMMITTED = ("dev", "prod")
READING = ("BatchGet", "Decrypt", "Describe", "Get", "List")


def plan(stack: str, keys: Mapping[str, object] | None = None) -> Plan:
    """The plan of a stack file under tests/. keys: that are changed."""
    first, second = (changed(stack, keys or {}, creates=each) for each in (False, True))
    return tool.plan_of(first.recording, second.recording)


def written(stack: str, around: Surroundings | None = None) -> dict[str, str]:
    """The files of a stack file under tests/, by default with the docs' placeholders."""
    runs = previewed(stack).recording, previewed(stack, creates=True).recording
    return tool.files_of(*runs, stack_config(stack), around or tool.placeholders(stack))


def statements(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All statements of some policies, with actions and resources as lists."""
    return [
        {**each, **{key: listed(each[key]) for key in ("Action", "Resource")}}
        for document in documents
        for each in document["Statement"]
    ]


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@pytest.mark.parametrize("stack", COMMITTED)
def test_committed_files_are_current(stack: str) -> None:
    """`make deployer STACK=...` writes them."""
    folder = ROOT / "deployer" / stack
    expected = tool.files(read_stack(ROOT, stack), tool.given(folder, stack))
    found = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}
    assert found == expected, f"Pulumi.{stack}.yaml has changed; fix: make deployer STACK={stack}"


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_file_has_its_rights(stack: str) -> None:
    files = written(stack)
    policies = [json.loads(text) for name, text in files.items() if "policy" in name]
    assert all(size(policy) <= LIMIT for policy in policies)
    assert bool(policies) == (stack not in LOCAL_STACKS)
    for manifest in yaml.safe_load_all(files["kubernetes.yaml"]):
        validate(manifest)


@pytest.mark.parametrize("stack", EKS_STACKS)
def test_only_reads_and_requests_have_no_resource(stack: str) -> None:
    for each in statements(deploy_policy(plan(stack)).documents()):
        if "*" in each["Resource"]:
            assert each["Resource"] == ["*"]
            names = [action.partition(":")[2] for action in each["Action"]]
            assert all(name.startswith((*READING, "RequestCertificate")) for name in names)


@pytest.mark.parametrize("stack", EKS_STACKS)
def test_nothing_is_created_or_changed_without_the_stacks_tags_or_names(stack: str) -> None:
    """Exceptions: what AWS knows no tags for, with the names or values that limit it."""
    untagged = {
        "CloudwatchWrite", "Ec2Vpc", "EcrWrite", "KmsGrant", "KmsRegistry", "KmsUse",
        "RdsFinalSnapshot", "RdsMasterSecret", "RdsRestoreOther", "RdsServiceRole", "Route53Change",
        "S3Write",
    }  # fmt: skip
    for each in statements(deploy_policy(plan(stack)).documents()):
        names = [action.partition(":")[2] for action in each["Action"]]
        tags = {key for keys in each.get("Condition", {}).values() for key in keys if "Tag/" in key}
        if not all(name.startswith(READING) for name in names) and each["Sid"] not in untagged:
            assert {"project", "stack"} == {key.partition("/")[2] for key in tags} or (
                "iam:PassedToService" in str(each["Condition"])
            ), each["Sid"]


@pytest.mark.parametrize("stack", EKS_STACKS)
def test_a_preview_only_reads(stack: str) -> None:
    files = written(stack)
    for each in statements([json.loads(files["preview-policy.json"])]):
        assert all(action.partition(":")[2].startswith(READING) for action in each["Action"])
    # A secret's value is read by an update only.
    assert "GetSecretValue" not in files["preview-policy.json"]


def test_names_stand_for_the_next_generation_too() -> None:
    names = {arn.rpartition(":")[2] for arn in _arns("prod", "RdsChange")}
    assert names >= {"backstage-prod-*", "backstage-*-instance-*-???????"}
    assert "backstage-parameters-aurora-postgresql*-???????" in names


OTHER_DATABASES: list[dict[str, object]] = [
    {"databaseInstances": 2}, {"databaseInstanceClass": "db.r7g.large"},
    {"databaseGeneration": 2, "databaseDeletionProtection": False},
]  # fmt: skip


@pytest.mark.parametrize("keys", OTHER_DATABASES, ids=str)
def test_another_database_needs_no_new_policy(keys: dict[str, object]) -> None:
    stack = "existing-environment"  # has alarms, whose names say what they watch
    granted = {each["Sid"]: each for each in statements(deploy_policy(plan(stack)).documents())}
    for each in statements(deploy_policy(plan(stack, keys)).documents()):
        assert {*each["Resource"]} <= {*granted[each["Sid"]]["Resource"]}, each["Sid"]
        assert {*each["Action"]} <= {*granted[each["Sid"]]["Action"]}


def test_a_role_that_an_alias_adopts_keeps_its_name() -> None:
    """With a bucket the portal's role becomes TechDocs'; what exists stays `backstage-role-...`."""
    for each in statements(deploy_policy(plan("csi", {"techdocsBucket": "create"})).documents()):
        names = [arn.rpartition(":role/")[2] for arn in each["Resource"] if ":role/" in arn]
        new = each["Sid"] in ("IamCreateRole", "TagOnCreate")
        if "backstage-techdocs-role-???????" in names:
            assert ("backstage-role-???????" in names) != new, each["Sid"]


def _arns(stack: str, sid: str) -> list[str]:
    documents = deploy_policy(plan(stack)).documents()
    (found,) = [each["Resource"] for each in statements(documents) if each["Sid"] == sid]
    resources: list[str] = found
    return resources


def test_roles_are_passed_to_the_service_that_they_trust() -> None:
    monitoring = "arn:aws:iam::123456789012:role/backstage-*-monitoring-role-???????"
    assert _arns("dev", "PassRoleToMonitoring") == [monitoring]
    pods = [arn.rpartition("/backstage-")[2] for arn in _arns("dev", "PassRoleToPods")]
    whose = [name.removesuffix("role-???????") for name in pods]
    assert whose == ["load-balancer-controller-", "", "techdocs-"]
    irsa = statements(deploy_policy(plan("irsa")).documents())
    assert "PassRoleToPods" not in [each["Sid"] for each in irsa]


def test_a_final_snapshot_only_where_the_stack_takes_one() -> None:
    by_stack = {
        stack: {each["Sid"] for each in statements(deploy_policy(plan(stack)).documents())}
        for stack in COMMITTED
    }
    final = {"RdsFinalSnapshot", "RdsFinalSnapshotOf"}
    assert by_stack["prod"] - by_stack["dev"] - {"EcrLogin", "EcrPull"} == final


def test_whoever_deploys_or_previews_another_stacks_image_may_verify_it() -> None:
    for policy in (deploy_policy, preview_policy):
        (pull,) = [
            each
            for each in statements(policy(plan("prod")).documents())
            if each["Sid"] == "EcrPull"
        ]
        assert pull["Action"] == ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        assert pull["Resource"] == ["arn:aws:ecr:us-east-1:123456789012:repository/backstage-dev"]
        # dev pushes its own, auto-mode's is in another registry.
        for stack in ("dev", "auto-mode"):
            assert "EcrPull" not in {
                each["Sid"] for each in statements(policy(plan(stack)).documents())
            }


def test_secret_of_the_master_user_where_rds_makes_it() -> None:
    assert _arns("iam", "RdsMasterSecret") == [
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!cluster-*"
    ]
    prod = statements(deploy_policy(plan("prod")).documents())
    assert "RdsMasterSecret" not in [each["Sid"] for each in prod]


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-central-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_partition_follows_from_the_region(region: str, partition: str) -> None:
    moved = dataclasses.replace(plan("prod"), region=region)
    for each in statements(deploy_policy(moved).documents()):
        assert {arn.split(":")[1] for arn in each["Resource"] if arn != "*"} <= {partition}


def test_trust_names_one_environment_in_both_formats_of_the_subject() -> None:
    around = dataclasses.replace(
        tool.placeholders("prod"), repository="acme/portal", subject="repo:acme@1/portal@2"
    )
    files = written("prod", around)
    for name, environment in (("trust.json", "prod"), ("preview-trust.json", "prod-preview")):
        (statement,) = json.loads(files[name])["Statement"]
        equals = statement["Condition"]["StringEquals"]
        issuer = "token.actions.githubusercontent.com"
        assert statement["Principal"]["Federated"].endswith(f":oidc-provider/{issuer}")
        assert equals == {
            f"{issuer}:aud": "sts.amazonaws.com",
            f"{issuer}:sub": [
                f"repo:acme/portal:environment:{environment}",
                f"repo:acme@1/portal@2:environment:{environment}",
            ],
        }


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("alias/mine", '"kms:ResourceAliases": "alias/mine"'),
        ("arn:aws:kms:us-east-1:123456789012:key/1", '"Resource": "arn:aws:kms:us-east-1:'),
        ("none", None),
    ],
)
def test_state_and_its_key(key: str, shown: str | None) -> None:
    around = dataclasses.replace(tool.placeholders("prod"), state_bucket="acme", secrets_key=key)
    text = "".join(written("prod", around).values())
    assert "arn:aws:s3:::acme/.pulumi/stacks/backstage/prod.*" in text
    assert "/dev" not in text
    assert ("kms:Decrypt" in text) == bool(shown)
    assert not shown or shown in text
    elsewhere = dataclasses.replace(around, state_bucket="none")
    assert ".pulumi" not in "".join(written("prod", elsewhere).values())


def test_what_was_given_is_kept(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    stack_file = ["--config-file", str(STACK_FILES["prod"])]
    arguments = ["prod", *stack_file, "--out", str(tmp_path / "prod")]
    assert tool.main([*arguments, "--state-bucket", "acme", "--account", "210987654321"]) == 0
    assert "Placeholders are left: make deployer STACK=prod REPOSITORY=... SUBJECT=..." in (
        capsys.readouterr().out
    )
    before = {file.name: file.read_text() for file in (tmp_path / "prod").iterdir()}
    cluster = "arn:aws:rds:us-east-1:210987654321:cluster:backstage-prod-*"
    assert cluster in before["policy-1.json"]
    by_id = ["--subject", "repository_id:4711:environment:prod", "--out", str(tmp_path / "by-id")]
    assert tool.main(["prod", *stack_file, *by_id]) == 0
    assert capsys.readouterr().out.endswith("STACK=prod ACCOUNT=... STATE_BUCKET=...\n")
    assert tool.main(arguments) == 0
    assert {file.name: file.read_text() for file in (tmp_path / "prod").iterdir()} == before


def test_account_that_the_stack_does_not_allow() -> None:
    runs = changed("prod", {"aws:allowedAccountIds": ["111111111111"]}).recording
    with pytest.raises(DeployerError) as raised:
        tool.plan_of(runs, runs, "210987654321")
    assert str(raised.value) == (
        "ACCOUNT=210987654321 is none of aws:allowedAccountIds: 111111111111\n"
        "  fix: make deployer STACK=prod ACCOUNT=111111111111\n"
        "  or:  pulumi config set --stack prod --path 'aws:allowedAccountIds[0]' 210987654321"
    )
    assert tool.plan_of(runs, runs, "111111111111")


def test_values_that_cannot_be_what_they_are_given_for(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {
        "account": "12",
        "state-bucket": "s3://acme",
        "secrets-key": "arn:aws:kms:us-east-1:123456789012:alias/x",
        "repository": "portal",
        "subject": "repo:acme/*",
    }
    options = [word for name, value in given.items() for word in (f"--{name}", value)]
    assert tool.main(["prod", "--out", str(tmp_path / "prod"), *options]) == 1
    assert capsys.readouterr().err == (
        "error: ACCOUNT=12: an account id of 12 digits\n"
        "STATE_BUCKET=s3://acme: the name of an S3 bucket, or none\n"
        "SECRETS_KEY=arn:aws:kms:us-east-1:123456789012:alias/x: alias/NAME, the ARN of a KMS key, "
        "or none\n"
        "REPOSITORY=portal: OWNER/REPO on GitHub\n"
        "SUBJECT=repo:acme/* isn't made of NAME:VALUE without wildcards; give repo:OWNER/REPO or "
        "repo:OWNER@OWNER_ID/REPO@REPO_ID, or with a template the whole subject, such as "
        "repository_id:ID:environment:prod\n"
    )
    assert not (tmp_path / "prod").exists()


@pytest.mark.parametrize(
    ("module", "table", "missing", "file"),
    [
        (aws_policy, "resources", "aws:rds/cluster:Cluster", "rights.yaml"),
        (aws_policy, "look_ups", "aws:eks/getCluster:getCluster", "rights.yaml"),
        (kubernetes_roles, "kinds", "kubernetes:batch/v1:Job", "kubernetes_rights.yaml"),
        (kubernetes_roles, "charts", "aws-load-balancer-controller", "kubernetes_rights.yaml"),
    ],
)
def test_missing_type_names_the_table_to_extend(
    module: Any, table: str, missing: str, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = module.rights()
    rest = {key: value for key, value in known[table].items() if key != missing}
    monkeypatch.setattr(module, "rights", lambda: {**known, table: rest})
    with pytest.raises(DeployerError) as error:
        written("dev")
    message = str(error.value)
    assert message.startswith(f"{missing} is not in the table `{table}` of tools/deployer/{file}")
    assert "Fix: " in message
    assert "docs/extending.md" in message


def roles(stack: str) -> dict[str, list[dict[str, Any]]]:
    """The rules of each role by its namespace; an empty one is the cluster."""
    found = kubernetes_roles.kubernetes_roles(previewed(stack).recording, "name", "group")
    return {
        each["metadata"].get("namespace", ""): each["rules"] for each in found if "rules" in each
    }


def test_cluster_scope_has_what_belongs_to_no_namespace_and_what_the_portal_may_read() -> None:
    cluster = roles("prod")[""]
    written = {
        resource for rule in cluster if "create" in rule["verbs"] for resource in rule["resources"]
    }
    assert written == {"namespaces", "clusterroles", "clusterrolebindings"}
    granted = previewed("prod").inputs("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole")
    allowed = {
        (api_group, resource, verb)
        for rule in cluster
        for api_group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    for rule in granted["rules"]:
        for resource in rule["resources"]:
            assert {(rule["apiGroups"][0], resource, verb) for verb in rule["verbs"]} <= allowed


def test_escalation_is_limited_to_the_charts_own_roles() -> None:
    for rules in roles("dev").values():
        for rule in rules:
            if {"bind", "escalate"} & set(rule["verbs"]):
                names = rule["resourceNames"]
                assert all(name.startswith("aws-load-balancer-controller-") for name in names)


def test_generated_names_are_left_out_of_the_deployers_rules() -> None:
    for rules in roles("oidc").values():
        assert "<computed>" not in str(rules)


def test_existing_namespace_is_read_by_deployer_and_preview() -> None:
    files = tool.files(stack_config("existing-environment"), tool.placeholders("x"))
    found = {
        each["metadata"]["name"].rpartition("-")[2]: each
        for each in yaml.safe_load_all(files["kubernetes.yaml"])
        if each["kind"] == "Role" and each["metadata"]["namespace"] == "portal"
    }
    read = {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["portal"]}
    assert {**read, "verbs": ["get"]} in found["deployer"]["rules"]
    assert found["preview"]["rules"] == [{**read, "verbs": ["get"]}]
    assert "kind: Cluster" not in files["kubernetes.yaml"]


def test_merging_rules_changes_no_right() -> None:
    pods = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    more = {"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["list"]}
    named = {
        "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"],
        "verbs": ["get", "list"],
    }  # fmt: skip
    assert kubernetes_roles.merged([pods, more, named]) == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"], "verbs": ["get"]},
    ]


def test_statements_of_one_name_need_the_same_condition_keys() -> None:
    found = Statements()
    found.add("A", ["s3:GetObject"], ["*"], {"StringEquals": {"a": ["1"]}})
    found.add("A", ["s3:PutObject"], ["*"], {"StringEquals": {"a": ["2"]}})
    with pytest.raises(AssertionError, match="A: two sets of condition keys"):
        found.add("A", ["s3:DeleteObject"], ["*"], {})
    (document,) = found.documents()
    assert document["Statement"][0]["Condition"] == {"StringEquals": {"a": ["1", "2"]}}


def test_look_ups_are_recorded() -> None:
    recording: Recording = previewed("dev", creates=True).recording
    tokens = {token for token, _ in recording.look_ups}
    assert {"aws:eks/getCluster:getCluster", "aws:route53/getZone:getZone"} <= tokens
    documents = preview_policy(plan("dev")).documents()
    assert {each["Sid"] for each in statements(documents)} >= {"LookUpEksResources"}
