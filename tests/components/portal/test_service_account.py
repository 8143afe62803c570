"""The portal's service account, and what the Kubernetes plugin may read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pulumi import ResourceOptions

from components.portal.service_account import PortalServiceAccount, PortalServiceAccountArgs
from tests.components.parts import MODES, run
from tests.programs import Program
from tests.tokens import (
    BINDING,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    ROLE_OF_NAMESPACE,
    SERVICE_ACCOUNT,
)
from tools.preview.recording import Resource

READABLE = {"": ["pods"], "apps": ["deployments", "replicasets"]}
SUBJECT = {"kind": "ServiceAccount", "name": "sa", "namespace": "ns"}


def by_namespace(created: list[Resource]) -> dict[str, Resource]:
    found = {each.inputs["metadata"]["namespace"]: each for each in created}
    assert len(found) == len(created)
    return dict(sorted(found.items()))


def service_account(
    creates: bool, readable: Mapping[str, Sequence[str]] = READABLE, namespaces: Sequence[str] = ()
) -> Program:
    def build(opts: ResourceOptions) -> None:
        args = PortalServiceAccountArgs("ns", "sa", {"a": "b"}, readable, namespaces)
        PortalServiceAccount("s", args, opts)

    return run(build, creates)


@MODES
def test_token_is_not_mounted_by_default(creates: bool) -> None:
    account = service_account(creates).inputs(SERVICE_ACCOUNT)
    assert account["automountServiceAccountToken"] is False
    assert account["metadata"]["annotations"] == {"a": "b"}


@MODES
def test_reads_what_it_is_told_in_every_namespace(creates: bool) -> None:
    program = service_account(creates)
    role = program.one(CLUSTER_ROLE)
    rules = role.inputs["rules"]
    assert {rule["apiGroups"][0]: rule["resources"] for rule in rules} == READABLE
    assert all(rule["verbs"] == ["get", "list", "watch"] for rule in rules)
    binding = program.one(CLUSTER_ROLE_BINDING)
    assert role.urn in binding.property_dependencies["roleRef"]
    assert binding.inputs["subjects"] == [SUBJECT]
    assert not {ROLE_OF_NAMESPACE, BINDING} & program.types()


@MODES
def test_reads_in_some_namespaces_only(creates: bool) -> None:
    program = service_account(creates, namespaces=("shop", "ns"))
    assert not {CLUSTER_ROLE, CLUSTER_ROLE_BINDING} & program.types()
    roles, bindings = (by_namespace(program.all(each)) for each in (ROLE_OF_NAMESPACE, BINDING))
    assert [*roles] == [*bindings] == ["ns", "shop"]
    for namespace, role in roles.items():
        binding = bindings[namespace]
        assert role.urn in binding.property_dependencies["roleRef"]
        assert binding.inputs["roleRef"]["kind"] == "Role"
        assert binding.inputs["subjects"] == [SUBJECT]


def test_no_read_access_without_the_plugin() -> None:
    program = service_account(creates=False, readable={}, namespaces=("shop",))
    assert not {CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE_OF_NAMESPACE, BINDING} & program.types()
