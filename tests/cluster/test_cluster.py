"""The local stack's manifests on a real cluster, under load from inside it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cluster.site import PATHS, Rendered, deploy, local
from tests.cluster.tutorial import tutorial
from tools.reliability.faults import FAULTS, Fault
from tools.reliability.load import Endpoint
from tools.reliability.portal import Portal
from tools.reliability.report import TUTORIAL, record

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("kubernetes")]

NAMESPACE = "backstage"
ENDPOINT = Endpoint(f"http://backstage.{NAMESPACE}.svc:7007", PATHS)


@pytest.fixture(scope="module")
def rendered() -> Rendered:
    return local(NAMESPACE)


@pytest.fixture(scope="module")
def portal(kubernetes: None, rendered: Rendered) -> Iterator[Portal]:
    portal = deploy(NAMESPACE, rendered.objects)
    yield portal
    portal.cluster.delete_namespace()


def test_namespace_rejects_privileged_pods(portal: Portal) -> None:
    with pytest.raises(RuntimeError, match='violates PodSecurity "restricted'):
        portal.cluster.run("run", "intruder", "--image", portal.image, "--privileged")


def test_service_account_can_only_read_what_its_role_lists(
    portal: Portal, rendered: Rendered
) -> None:
    def allowed(verb: str, group: str, resource: str) -> bool:
        kind, _, part = resource.partition("/")
        asked = {"namespace": NAMESPACE, "verb": verb, "group": group, "resource": kind,
                 "subresource": part}  # fmt: skip
        user = f"system:serviceaccount:{NAMESPACE}:backstage"
        review = {
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": asked},
        }  # fmt: skip
        answer = portal.cluster.run(
            "create", "--filename", "-", "--output", "json", stdin=json.dumps(review)
        )
        return bool(json.loads(answer)["status"]["allowed"])

    (role,) = rendered.of("ClusterRole")
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                assert set(rule["verbs"]) <= {"get", "list", "watch"}
                for verb in rule["verbs"]:
                    assert allowed(verb, group, resource), f"{verb} {resource}"
    for verb, group, resource in (
        ("get", "", "secrets"), ("list", "", "secrets"), ("create", "", "pods"),
        ("delete", "", "pods"), ("create", "", "pods/exec"), ("patch", "", "configmaps"),
        ("update", "apps", "deployments"), ("get", "", "nodes"),
        ("create", "rbac.authorization.k8s.io", "clusterrolebindings"),
    ):  # fmt: skip
        assert not allowed(verb, group, resource), f"{verb} {resource}"


def test_autoscaler_and_network_policies_are_accepted(portal: Portal) -> None:
    (autoscaler,) = portal.cluster.get("horizontalpodautoscalers")
    assert autoscaler["spec"]["maxReplicas"] == 4
    policies = portal.cluster.get("networkpolicies")
    assert len(policies) == 4  # portal, two Jobs, database
    assert all(each["spec"]["policyTypes"] == ["Ingress", "Egress"] for each in policies)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_stays_within_its_error_budget(portal: Portal, fault: Fault) -> None:
    restarts = portal.restarts()
    outcome = fault.run(portal, ENDPOINT)
    record("cluster", outcome)
    assert list(fault.violations(outcome)) == []
    if fault.database:
        assert portal.restarts() == restarts


def test_tutorials_deployment_for_comparison(kubernetes: None) -> None:
    namespace = "tutorial"
    objects = tutorial(local(namespace), "localhost")
    portal = deploy(namespace, [each for each in objects if each["kind"] != "Ingress"])
    endpoint = Endpoint(f"http://backstage.{namespace}.svc:7007", PATHS)
    try:
        portal.wait_answers()
        outcome = Fault(TUTORIAL, Portal.update).run(portal, endpoint)
    finally:
        portal.cluster.delete_namespace()
    record("cluster", outcome)
    assert outcome.samples[-1].status == "200"
