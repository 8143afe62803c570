"""The portal's service account, and what the Kubernetes plugin may read."""

from __future__ import annotations

from pulumi import ResourceOptions

from components.portal.service_account import PortalServiceAccount, PortalServiceAccountArgs
from tests.components.parts import MODES, run
from tests.programs import Program
from tests.tokens import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, SERVICE_ACCOUNT


def service_account(creates: bool, plugin: bool) -> Program:
    def build(opts: ResourceOptions) -> None:
        args = PortalServiceAccountArgs("ns", "sa", {"a": "b"}, kubernetes_plugin=plugin)
        PortalServiceAccount("s", args, opts)

    return run(build, creates)


@MODES
def test_token_is_not_mounted_by_default(creates: bool) -> None:
    account = service_account(creates, plugin=True).inputs(SERVICE_ACCOUNT)
    assert account["automountServiceAccountToken"] is False
    assert account["metadata"]["annotations"] == {"a": "b"}


@MODES
def test_plugin_reads_and_never_secrets(creates: bool) -> None:
    program = service_account(creates, plugin=True)
    role = program.one(CLUSTER_ROLE)
    for rule in role.inputs["rules"]:
        assert rule["verbs"] == ["get", "list", "watch"]
        assert "secrets" not in rule["resources"]
        assert "*" not in [*rule["resources"], *rule["apiGroups"]]
    binding = program.one(CLUSTER_ROLE_BINDING)
    assert role.urn in binding.property_dependencies["roleRef"]
    assert binding.inputs["subjects"] == [
        {"kind": "ServiceAccount", "name": "sa", "namespace": "ns"}
    ]


def test_no_read_access_without_the_plugin() -> None:
    types = service_account(creates=False, plugin=False).types()
    assert not {CLUSTER_ROLE, CLUSTER_ROLE_BINDING} & types
