"""Keys that fit a stack into an account and a cluster with rules of their own."""

from __future__ import annotations

import pytest

from tests.programs import EKS_STACKS, changed, differing, previewed
from tests.settings.key_table import BOUNDARY
from tests.tokens import ROLE


@pytest.mark.parametrize("stack", EKS_STACKS)
def test_every_role_has_the_boundary_and_nothing_else_changes(stack: str) -> None:
    program = changed(stack, {"permissionsBoundaryArn": BOUNDARY})
    roles = program.all(ROLE)
    assert {each.inputs["permissionsBoundary"] for each in roles} <= {BOUNDARY}
    assert differing(previewed(stack), program) == {each.name for each in roles}


def test_the_stacks_have_every_kind_of_role() -> None:
    names = {each.name for stack in EKS_STACKS for each in previewed(stack).all(ROLE)}
    assert names >= {
        "backstage-1-monitoring-role",
        "backstage-techdocs-role",
        "backstage-load-balancer-controller-role",
    }
