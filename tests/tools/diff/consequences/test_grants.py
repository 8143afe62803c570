"""What a resource allows that is created or deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.programs import previewed
from tests.tokens import (
    ASSOCIATION,
    ATTACHMENT,
    BINDING,
    CLUSTER,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    INGRESS,
    INGRESS_RULE,
    NETWORK_POLICY,
    ROLE,
    ROLE_OF_NAMESPACE,
    ROLE_POLICY,
    SECRET,
    TOPIC,
)
from tests.tools.diff.comparison.test_changes import without
from tests.tools.diff.plans import noted, plan, reviewed, with_new
from tools.diff.comparison.rendering import input_lines
from tools.diff.consequences.grants import is_grant
from tools.diff.markdown import markdown
from tools.diff.review import Review, review
from tools.diff.text import text
from tools.preview.recording import Recording, secret

CANARY = "canary-4f1e"
TECHDOCS = "backstage:techdocs:TechDocs"
READ = "backstage-techdocs-read"
READ_LINES = [
    "policy (with stand-ins):",
    "  Version: '2012-10-17'",
    "  Statement:",
    "  - Effect: Allow",
    "    Action: ['s3:ListBucket']",
    "    Resource: arn:aws:s3:::backstage-techdocs",
    "  - Effect: Allow",
    "    Action: ['s3:GetObject']",
    "    Resource: arn:aws:s3:::backstage-techdocs/*",
    "role (with stand-ins): backstage-techdocs-role",
]
EVERYONE = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*"}]}


def of_techdocs(comes: bool = True) -> Review:
    """The bucket of dev comes or goes, with the role that reads it."""
    both = [previewed("dev", creates).recording for creates in (False, True)]
    less = [without(each, TECHDOCS) for each in both]
    old, new = (less, both) if comes else (both, less)
    return review("dev", "main (1234567)", old[0], new[0], created=(old[1], new[1]))


def test_a_new_policy_in_the_terminal() -> None:
    lines = text(of_techdocs()).splitlines()
    start = lines.index(f" + {READ} (aws:iam:RolePolicy)") + 1
    assert [line[7:] for line in lines[start : start + len(READ_LINES)]] == READ_LINES
    assert lines[start + len(READ_LINES)].startswith(" + ")
    assert "       Principal: {Service: pods.eks.amazonaws.com}" in [each[4:] for each in lines]


def test_a_new_policy_in_the_comment() -> None:
    lines = markdown(of_techdocs()).splitlines()
    start = lines.index(f"+ + {READ} (aws:iam:RolePolicy)") + 1
    assert lines[start : start + len(READ_LINES)] == [f"+   {each}" for each in READ_LINES]


def test_a_policy_that_ends() -> None:
    found = of_techdocs(comes=False)
    lines = markdown(found).splitlines()
    start = lines.index(f"- - {READ} (aws:iam:RolePolicy)") + 1
    assert lines[start : start + len(READ_LINES)] == [f"-   {each}" for each in READ_LINES]
    (note,) = noted(found, "Access")
    assert note == (
        "deleted: backstage-techdocs-association, "
        "backstage-techdocs-public-access, backstage-techdocs-read, backstage-techdocs-role, "
        "backstage-techdocs-tls-only. What each allowed is below."
    )


def test_a_role_and_its_binding_have_one_name() -> None:
    name = "backstage-kubernetes-plugin"
    found = reviewed(plan("prod"), without(plan("prod"), f"::{name}"))
    assert noted(found, "Access") == [f"deleted: {name}. What each allowed is below."]
    lines = text(found).splitlines()
    start = lines.index(f" - {name} (kubernetes:rbac.authorization.k8s.io/v1:ClusterRole)")
    assert lines[start + 1 : start + 5] == [
        "       rules:",
        "       - apiGroups: ['']",
        "         resources: [pods, services]",
        "         verbs: [get, list, watch]",
    ]


@pytest.mark.parametrize(
    ("inputs", "changed"),
    [
        ({"spec": {"podSelector": {}}}, True),
        ({"metadata": {"labels": {"team": "b"}, "name": "n"}}, False),
        ({"tags": {"team": "b"}}, False),
    ],
)
def test_a_grant_that_changes(inputs: dict[str, Any], changed: bool) -> None:
    first = {"spec": {}, "metadata": {"labels": {"team": "a"}, "name": "n"}, "tags": {"team": "a"}}
    plans = (with_new(NETWORK_POLICY, first), with_new(NETWORK_POLICY, {**first, **inputs}))
    said = ["changed: new. What differs is below."]
    assert noted(reviewed(*plans), "Access") == (said if changed else [])


def test_a_new_stack_doesn_t_flood_the_terminal() -> None:
    found = review("prod", "main", Recording(), plan("prod"))
    (note,) = noted(found, "Access")
    count = sum(is_grant(each.type) for each in plan("prod").resources.values())
    assert note == f"{count} new resources grant rights or open a network."
    assert "roleRef:" not in text(found)
    assert text(found).endswith(
        "allow: make diff BASE=main STACK=prod FORMAT=markdown LIMIT=999999"
    )
    assert "\n+   roleRef:" in markdown(found)
    assert "... the rest: make diff BASE=main STACK=prod FORMAT=markdown" in markdown(found, 5_000)


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        *((each, True) for each in (
            ASSOCIATION, ATTACHMENT, BINDING, CLUSTER_ROLE, CLUSTER_ROLE_BINDING, INGRESS,
            INGRESS_RULE, NETWORK_POLICY, ROLE, ROLE_OF_NAMESPACE, ROLE_POLICY,
            "aws:ec2/securityGroupRule:SecurityGroupRule", "aws:eks/accessEntry:AccessEntry",
            "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "aws:kms/grant:Grant",
            "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
            "aws:lambda/permission:Permission", "aws:s3/bucketPolicy:BucketPolicy",
            "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
            "kubernetes:cilium.io/v2:CiliumNetworkPolicy",
            "kubernetes:iam.services.k8s.aws/v1alpha1:Role",
        )),
        *((each, False) for each in (CLUSTER, CONFIG_MAP, DEPLOYMENT, DISRUPTION_BUDGET, SECRET)),
    ],
)  # fmt: skip
def test_which_types_grant(type_: str, expected: bool) -> None:
    assert is_grant(type_) == expected


def test_of_other_types_the_policy_is_shown() -> None:
    shown = text(reviewed(plan("prod"), with_new(TOPIC, {"policy": json.dumps(EVERYONE), "n": 1})))
    assert shown.splitlines()[-4:] == [
        " + new (aws:sns:Topic)",
        "       policy:",
        "         Statement:",
        "         - {Effect: Allow, Principal: '*', Action: 'sqs:*'}",
    ]


def test_no_secret_is_shown() -> None:
    inputs = {"user": secret(CANARY), "keys": [secret(CANARY)], "a": {"b": secret({"c": CANARY})}}
    for type_ in (ROLE, TOPIC):
        after = with_new(type_, inputs)
        shown = markdown(reviewed(plan("prod"), after)) + text(reviewed(plan("prod"), after))
        assert CANARY not in shown
        assert "user: '[secret]'" in shown


def test_other_inputs_are_folded_where_there_is_room() -> None:
    after = with_new(CONFIG_MAP, {"kind": "ConfigMap", "data": {"a": "```\n</details>\n@all"}})
    shown = markdown(reviewed(plan("prod"), after))
    assert shown.endswith(
        "\n\n<details><summary>Inputs of the other new resources</summary>\n\n"
        "````yaml\n# new (kubernetes:core/v1:ConfigMap)\n"
        "data:\n  a: |-\n    ```\n    </details>\n    @all\n````\n\n</details>"
    )
    less = markdown(reviewed(plan("prod"), after), len(shown) - 1)
    assert shown.startswith(less)
    assert less.endswith("\n+ + new (kubernetes:core/v1:ConfigMap)\n```\n\n</details>")


def test_an_object_without_what_every_object_has() -> None:
    same = ["api"]
    value = {"metadata": {"name": "x"}, "rules": [{"resources": same, "verbs": same, "n": {}}]}
    assert list(input_lines(value)) == [
        "metadata: {name: x}", "rules:", "- resources: [api]", "  verbs: [api]", "  n: {}",
    ]  # fmt: skip
    labelled = {"apiVersion": "v1", "kind": "Role", "metadata": {"name": "x", "labels": {"a": "b"}}}
    lines = text(reviewed(plan("prod"), with_new(ROLE_OF_NAMESPACE, labelled))).splitlines()
    start = lines.index(" + new (kubernetes:rbac.authorization.k8s.io/v1:Role)")
    assert lines[start:] == [lines[start], "       metadata: {name: x}"]
