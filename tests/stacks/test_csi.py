"""Secrets that the Secrets Store CSI driver mounts: classes, pods, and the right to read them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.programs import Program, changed, previewed, stack_config
from tests.stacks.pods import MIGRATION_JOB, PORTAL, templates
from tests.tokens import (
    ASSOCIATION,
    DEPLOYMENT,
    ROLE_POLICY,
    SECRET_PROVIDER_CLASS,
    SERVICE_ACCOUNT,
)
from tests.tools.diff.plans import done

VARIABLES, FILES = "backstage-variables-class", "backstage-gitlab-class"
JIRA = "arn:aws:secretsmanager:us-east-1:123456789012:secret:backstage/jira-AbCdEf"
MIGRATIONS = "backstage-migrations"


def spec(program: Program, resource: str) -> dict[str, Any]:
    found: dict[str, Any] = program.inputs(SECRET_PROVIDER_CLASS, resource)["spec"]
    return found


def copy(program: Program, resource: str) -> str:
    """Name of the Secret that the driver copies a class into."""
    [secret] = spec(program, resource)["secretObjects"]
    return str(secret["secretName"])


def objects(program: Program, resource: str) -> Any:
    """As the provider reads them: YAML in a text."""
    return yaml.safe_load(spec(program, resource)["parameters"]["objects"])


def test_classes_ask_for_what_the_stack_file_names() -> None:
    program = previewed("csi")
    assert objects(program, VARIABLES) == [
        {
            "objectName": JIRA,
            "objectType": "secretsmanager",
            "objectAlias": "source-0",
            # Quoted: JMESPath takes a hyphen for something else.
            "jmesPath": [
                {"path": '"user"', "objectAlias": "JIRA_USER"},
                {"path": '"access-token"."value"', "objectAlias": "JIRA_TOKEN"},
            ],
        },
        {
            "objectName": "backstage/prod/session",
            "objectType": "secretsmanager",
            "objectAlias": "AUTH_SESSION_SECRET",
        },
    ]
    assert objects(program, FILES) == [
        {
            "objectName": "/backstage/prod/gitlab-token",
            "objectType": "ssmparameter",
            "objectAlias": "token",
            "objectVersion": "3",
        }
    ]
    for each in (VARIABLES, FILES):
        assert spec(program, each)["provider"] == "aws"
        parameters = spec(program, each)["parameters"]
        assert (parameters["region"], parameters["usePodIdentity"]) == ("us-east-1", "true")


def test_variables_come_from_the_copy_and_files_from_the_mount() -> None:
    program = previewed("csi", creates=True)
    variables = copy(program, VARIABLES)
    [copied] = spec(program, VARIABLES)["secretObjects"]
    keys = {"JIRA_USER", "JIRA_TOKEN", "AUTH_SESSION_SECRET"}
    assert {each["key"]: each["objectName"] for each in copied["data"]} == {
        key: key for key in keys
    }
    for workload in (PORTAL, MIGRATION_JOB):
        pod = templates(program)[workload]["spec"]
        [container] = pod["containers"]
        references = {
            each["name"]: each["valueFrom"]["secretKeyRef"]
            for each in container["env"]
            if "valueFrom" in each
        }
        assert references == {key: {"name": variables, "key": key} for key in keys}
        mounted = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
        found = {each["name"]: each["csi"] for each in pod["volumes"] if "csi" in each}
        assert {mounted[each]: volume["volumeAttributes"] for each, volume in found.items()} == {
            "/etc/backstage/secrets-store": {"secretProviderClass": VARIABLES},
            "/etc/backstage/gitlab": {"secretProviderClass": FILES},
        }
        assert {(each["driver"], each["readOnly"]) for each in found.values()} == {
            ("secrets-store.csi.k8s.io", True)
        }
        assert not [each for each in pod["volumes"] if "secret" in each]


def test_the_pods_role_reads_exactly_these_secrets() -> None:
    program = previewed("csi", creates=True)
    account = "arn:aws:{}:us-east-1:123456789012:"
    expected = [
        {
            "Effect": "Allow",
            "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
            "Resource": [
                JIRA,
                account.format("secretsmanager") + "secret:backstage/prod/session-??????",
            ],
        },
        {
            "Effect": "Allow",
            "Action": ["ssm:GetParameters"],
            "Resource": [account.format("ssm") + "parameter/backstage/prod/gitlab-token"],
        },
    ]
    found = [json.loads(each.inputs["policy"])["Statement"] for each in program.all(ROLE_POLICY)]
    assert found == [expected, expected]  # of the portal's pods, and of the migrations' Job
    accounts = {each.inputs["serviceAccount"] for each in program.all(ASSOCIATION)}
    assert accounts == {"backstage", MIGRATIONS}


def test_that_policy_stays_when_the_bucket_comes_or_goes() -> None:
    """A policy that is deleted and created ends in an invalid state, as its role moves."""
    without = previewed("csi").recording
    with_bucket = changed("csi", {"techdocsBucket": "create"}).recording
    for before, after in ((without, with_bucket), (with_bucket, without)):
        assert "backstage-secrets" in done(before, after)["move"]


def test_by_irsa_the_service_accounts_name_their_roles() -> None:
    program = changed("csi", {"workloadIdentity": "irsa"}, creates=True)
    assert spec(program, FILES)["parameters"]["usePodIdentity"] == "false"
    annotated = {
        each.inputs["metadata"]["name"]
        for each in program.all(SERVICE_ACCOUNT)
        if "eks.amazonaws.com/role-arn" in each.inputs["metadata"].get("annotations", {})
    }
    assert annotated == {"backstage", MIGRATIONS}
    assert program.all(ASSOCIATION) == []


def test_pods_wait_for_their_classes_and_the_right_to_read() -> None:
    program = previewed("csi")
    classes = {each.urn for each in program.all(SECRET_PROVIDER_CLASS)}
    for each in (program.one(DEPLOYMENT), program.one("kubernetes:batch/v1:Job", MIGRATION_JOB)):
        assert classes <= set(each.property_dependencies["spec"])
        assert {policy.urn for policy in program.all(ROLE_POLICY)} & set(each.dependencies)


def test_reloader_watches_the_copies() -> None:
    program = previewed("csi", creates=True)
    annotations = program.inputs(DEPLOYMENT)["metadata"]["annotations"]
    names = ",".join(copy(program, each) for each in (VARIABLES, FILES))
    assert annotations["secret.reloader.stakater.com/reload"] == names


@pytest.mark.parametrize("change", [{"version": 4}, {"parameter": "/b"}])
def test_a_change_is_a_new_object_that_rolls_the_pods(change: dict[str, Any]) -> None:
    jira, token, session = json.loads(stack_config("csi").values["backstage:secretsFrom"])
    after = changed("csi", {"secretsFrom": [jira, {**token, **change}, session]})
    before = previewed("csi")
    changes = done(before.recording, after.recording)
    assert changes["replace"] == {FILES, MIGRATION_JOB}
    assert PORTAL in changes["update"]
    # Of another name, since the old pods still read the old copy.
    assert copy(before, FILES) != copy(after, FILES)
