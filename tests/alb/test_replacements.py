"""What the real controller does to a changed Ingress, and what `make diff` says that it does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from components.ingress.authentication import ANNOTATION
from tests.alb.ingresses import annotations_of, applied, prod_ingress
from tests.cluster.site import wait_for_load_balancer
from tests.programs import changed, previewed
from tests.tools.diff.plans import reviewed
from tools.kubectl import Cluster, Manifest

if TYPE_CHECKING:
    from tools.alb.aws import Aws
    from tools.alb.stand_in import Alb

pytestmark = pytest.mark.alb

CIDRS = {"ingressInboundCidrs": ["192.0.2.0/24"]}
# Changed keys, and what they replace.
CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "scheme": ({"ingressScheme": "internet-facing", **CIDRS}, "load balancer"),
    "group": ({"ingressGroup": "platform"}, "load balancer"),
    "port": ({"port": 8080}, "target group"),
    "networks": (CIDRS, ""),
    "logs": ({"accessLogsBucket": "access-logs"}, ""),
}
TAGS = f"{ANNOTATION}tags"


def found(aws: Aws, mark: str) -> dict[str, str]:
    """ARNs by kind of the load balancer and its target group, once both have the tag `mark`."""
    gone = aws.client("elbv2").exceptions.ClientError  # while the controller deletes one

    def marked(arns: Iterable[str]) -> Iterator[str]:
        return (arn for arn in arns if aws.tags(arn).get("mark") == mark)

    with contextlib.suppress(gone):
        for balancer in marked(each["LoadBalancerArn"] for each in aws.load_balancers()):
            for group in marked(each["TargetGroupArn"] for each in aws.target_groups()):
                return {"load balancer": balancer, "target group": group}
    return {}


def predicted(keys: dict[str, Any]) -> str:
    """What `make diff` says is replaced."""
    review = reviewed(previewed("prod").recording, changed("prod", keys).recording)
    said = [each.headline.lower() for each in review.risks if each.headline.endswith("replaced")]
    kinds = [kind for kind in ("load balancer", "target group") if any(kind in e for e in said)]
    return "".join(kinds)


def applied_with(cluster: Cluster, aws: Aws, objects: list[Manifest], mark: str) -> dict[str, str]:
    """What `found` finds once the controller has applied objects with a tag more."""
    annotations = annotations_of(objects)
    annotations[TAGS] = ",".join(filter(None, (annotations.get(TAGS), f"mark={mark}")))
    cluster.apply(objects)
    cluster.until(lambda: bool(found(aws, mark)), 60, f"the tag is {mark}")
    return found(aws, mark)


@pytest.mark.parametrize("name", CHANGES)
def test_diff_says_what_the_controller_replaces(alb: Alb, name: str) -> None:
    keys, replaced = CHANGES[name]
    assert predicted(keys) == replaced
    namespace = f"alb-{name.lower()}-changes"
    before, after = (prod_ingress(alb.aws, namespace, each) for each in ({}, keys))
    with applied(namespace, before) as cluster:
        wait_for_load_balancer(cluster)
        old = applied_with(cluster, alb.aws, before, "before")
        new = applied_with(cluster, alb.aws, after, "after")
    # With another load balancer the controller keeps a target group, or makes another.
    differing = [kind for kind in old if old[kind] != new[kind]]
    assert (differing[0] if differing else "") == replaced
