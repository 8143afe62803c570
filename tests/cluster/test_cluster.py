"""What the local stack renders, on a real cluster, seen from inside it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cluster.faults import FAULTS, Fault
from tests.cluster.site import PATHS, Rendered, bring_up, local
from tests.cluster.tutorial import tutorial
from tools.reliability.load import Way
from tools.reliability.portal import Portal
from tools.reliability.report import TUTORIAL, record

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("kubernetes")]

NAMESPACE = "backstage"
WAY = Way(f"http://backstage.{NAMESPACE}.svc:7007", PATHS)


@pytest.fixture(scope="module")
def rendered() -> Rendered:
    return local(NAMESPACE)


@pytest.fixture(scope="module")
def portal(kubernetes: None, rendered: Rendered) -> Iterator[Portal]:
    portal = bring_up(NAMESPACE, rendered.objects)
    yield portal
    portal.cluster.delete_namespace()


def test_namespace_refuses_what_is_not_restricted(portal: Portal) -> None:
    with pytest.raises(RuntimeError, match='violates PodSecurity "restricted'):
        portal.cluster.run("run", "intruder", "--image", portal.image, "--privileged")


def test_service_account_reads_what_the_role_lists_and_no_more(
    portal: Portal, rendered: Rendered
) -> None:
    def may(verb: str, group: str, resource: str) -> bool:
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
                    assert may(verb, group, resource), f"{verb} {resource}"
    for verb, group, resource in (
        ("get", "", "secrets"), ("list", "", "secrets"), ("create", "", "pods"),
        ("delete", "", "pods"), ("create", "", "pods/exec"), ("patch", "", "configmaps"),
        ("update", "apps", "deployments"), ("get", "", "nodes"),
        ("create", "rbac.authorization.k8s.io", "clusterrolebindings"),
    ):  # fmt: skip
        assert not may(verb, group, resource), f"{verb} {resource}"


def test_autoscaler_and_network_policy_are_accepted(portal: Portal) -> None:
    (autoscaler,) = portal.cluster.get("horizontalpodautoscalers")
    assert autoscaler["spec"]["maxReplicas"] == 4
    (policy,) = portal.cluster.get("networkpolicies")
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_users_notice_no_more_than_they_may(portal: Portal, fault: Fault) -> None:
    restarts = portal.restarts()
    outcome = fault.run(portal, WAY)
    record("cluster", outcome)
    fault.check(outcome)
    if fault.database:
        assert portal.restarts() == restarts


def test_tutorial_for_comparison(kubernetes: None) -> None:
    namespace = "tutorial"
    objects = tutorial(local(namespace), "localhost")
    portal = bring_up(namespace, [each for each in objects if each["kind"] != "Ingress"])
    way = Way(f"http://backstage.{namespace}.svc:7007", PATHS)
    try:
        portal.wait_answers()
        outcome = Fault(TUTORIAL, Portal.update).run(portal, way)
    finally:
        portal.cluster.delete_namespace()
    record("cluster", outcome)
    assert outcome.samples[-1].status == "200"
