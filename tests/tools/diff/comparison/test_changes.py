"""Two plans are compared as the engine would: tests/engine runs some of the same changes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.programs import changed
from tests.tools.diff.plans import done, noted, of, plan, replacing, reviewed, with_inputs
from tools.diff.comparison.changes import compare
from tools.diff.comparison.values import Difference
from tools.diff.configuration import holders
from tools.preview.recording import Recording, secret

JOBS = {"backstage-database-role", "backstage-migrations"}
DEPLOYMENT = "backstage-deployment"


def test_a_plan_changes_nothing_of_itself() -> None:
    assert done(plan("prod"), plan("prod")) == {}


def test_a_rotation_is_what_the_engine_does() -> None:
    after = changed("prod", {"databasePasswordVersion": 2}).recording
    assert done(plan("prod"), after) == {
        "replace": {
            "backstage-database-administrator", "backstage-password", "backstage-role-password",
            "backstage-secrets", "backstage-postgres-password-version",
            "backstage-postgres-role-version", *JOBS,
        },
        "update": {"backstage-1-cluster", DEPLOYMENT},
    }  # fmt: skip
    found = reviewed(plan("prod"), after)
    assert found.risks == []
    assert (
        noted(found, "Pods")[0] == f"The pods of {DEPLOYMENT} roll, because of backstage-secrets."
    )


def test_a_certificate_is_what_the_engine_does() -> None:
    host = "portal.dev.example.com"
    after = with_inputs(plan("dev"), "backstage-certificate", lambda i: i.update(domainName=host))
    assert done(plan("dev"), after) == {
        "replace": {
            "backstage-certificate", "backstage-certificate-issue",
            "backstage-certificate-validation",
        },
        "update": {"backstage-ingress"},
    }  # fmt: skip


def without(recording: Recording, part: str) -> Recording:
    """The plan without the resources that have a text in their URN."""
    kept = {urn: each for urn, each in recording.resources.items() if part not in urn}
    return dataclasses.replace(recording, resources=kept)


def test_a_bucket_comes_and_its_deletion_is_a_risk() -> None:
    less = without(plan("dev"), "backstage:techdocs:TechDocs")
    found = reviewed(plan("dev"), less, "dev")
    (risk,) = found.risks
    assert risk.headline == "The bucket backstage-techdocs is deleted"
    assert risk.details == ["S3 refuses to delete it unless it is empty."]
    assert found.counts["delete"] == 10
    assert reviewed(less, plan("dev"), "dev").risks == []


def test_children_move_with_the_alias_of_their_component() -> None:
    """As when TechDocs' bucket comes: the role of the portal's pods becomes a part of it."""
    former = [("backstage:techdocs:TechDocs$backstage:iam:PodRole", "backstage:iam:PodRole"),
              ("::backstage-techdocs", "::backstage")]  # fmt: skip

    def then(text: str) -> str:
        return text.replace(*former[0]).replace(*former[1]) if former[0][0] in text else text

    resources = [
        dataclasses.replace(
            each, urn=then(urn), parent=then(each.parent), name=then(urn).rpartition("::")[2]
        )
        for urn, each in plan("dev").resources.items()
    ]
    before = dataclasses.replace(plan("dev"), resources={each.urn: each for each in resources})
    assert before.resources.keys() != plan("dev").resources.keys()
    assert done(before, plan("dev")) == {
        "move": {"backstage-techdocs-role", "backstage-techdocs-association"}
    }


def test_a_namespace_that_is_only_read_is_let_go_of() -> None:
    (urn,) = [each for each in plan("prod").resources if each.endswith("::backstage-namespace")]
    after = replacing(plan("prod"), urn)
    assert done(plan("prod"), after) == {"delete": {"backstage-namespace"}}
    assert done(plan("prod"), dataclasses.replace(after, read_urns=[urn])) == {}


def test_another_cluster_replaces_every_object() -> None:
    after = with_inputs(
        plan("prod"), "backstage-kubernetes", lambda inputs: inputs.update(clusterIdentifier="next")
    )
    changes = compare(plan("prod"), after)
    objects = [e for e in changes if e.resource.type.startswith("kubernetes:")]
    assert {(each.operation, each.deleted_first) for each in objects} == {("replace", False)}
    assert of(changes, "backstage-1-cluster").operation == "same"
    service = of(changes, "backstage-service-account")
    assert service.provider == "clusterIdentifier of backstage-kubernetes"


@pytest.mark.parametrize(
    ("name", "change", "causes"),
    [
        (DEPLOYMENT, lambda spec: spec.update(revisionHistoryLimit=3), None),
        (DEPLOYMENT, lambda spec: spec.update(replicas=5), None),
        ("backstage-disruption-budget", lambda spec: spec.update(maxUnavailable=2), None),
        (
            DEPLOYMENT,
            lambda spec: spec["template"]["spec"].update(priorityClassName="high"),
            "spec.priorityClassName",
        ),
        (
            DEPLOYMENT,
            lambda spec: spec["template"]["spec"]["containers"][0].update(image="portal:2"),
            "image",
        ),
        (
            DEPLOYMENT,
            lambda spec: spec["template"]["metadata"]["labels"].update(a="b"),
            "metadata.labels.a",
        ),
    ],
)
def test_whether_pods_roll(name: str, change: Any, causes: str | None) -> None:
    after = with_inputs(plan("prod"), name, lambda inputs: change(inputs["spec"]))
    says = "don't roll." if causes is None else f"roll, because of {causes}."
    assert noted(reviewed(plan("prod"), after), "Pods") == [f"The pods of {DEPLOYMENT} {says}"]


def test_pods_roll_with_a_config_map() -> None:
    after = with_inputs(
        plan("prod"), "backstage-app-config", lambda inputs: inputs["data"].update({"a": "b"})
    )
    found = reviewed(plan("prod"), after)
    assert done(plan("prod"), after) == {
        "replace": {"backstage-app-config", "backstage-migrations"},
        "update": {DEPLOYMENT},
    }
    assert noted(found, "Pods") == [
        f"The pods of {DEPLOYMENT} roll, because of backstage-app-config.",
        "Jobs run before the pods: backstage-migrations.",
    ]


def test_an_encrypted_value_rolls_the_pods() -> None:
    """Encrypted values are the same in every preview; the stack file says which ones change."""
    held = with_inputs(
        plan("prod"), "backstage-secrets", lambda i: i.update(stringData=secret({"TOKEN": "x"}))
    )
    encrypted = holders(held, frozenset({"TOKEN", "OTHER"}))
    changes = compare(plan("prod"), plan("prod"), encrypted)
    (difference,) = of(changes, "backstage-secrets").differences
    assert difference.lines() == ["stringData.TOKEN (replaces): [secret], changed"]
    assert of(changes, DEPLOYMENT).operation == "update"
    assert of(changes, "backstage-database-administrator").operation == "same"


def test_a_resource_that_is_kept_is_no_risk() -> None:
    (bucket,) = [
        e
        for e in plan("dev").resources.values()
        if e.name == "backstage-techdocs" and "Bucket" in e.type
    ]
    kept = replacing(plan("dev"), bucket.urn, dataclasses.replace(bucket, retain_on_delete=True))
    assert reviewed(kept, replacing(plan("dev"), bucket.urn), "dev").risks == []


def test_price_difference() -> None:
    after = with_inputs(
        plan("prod"), "backstage-1-instance-0", lambda i: i.update(instanceClass="db.r7g.large")
    )
    found = reviewed(plan("prod"), after).price
    assert found.before
    assert found.after
    ((name, old, new),) = found.lines
    assert name == "backstage-1-instance-0"
    assert new - old == found.after.expected - found.before.expected > 100


def test_a_price_that_is_not_known_is_no_reason_to_stop() -> None:
    after = with_inputs(plan("prod"), "backstage-aws", lambda i: i.update(region="eu-west-9"))
    found = reviewed(plan("prod"), after)
    assert "no prices for region eu-west-9" in found.price.unknown


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (("spec", "containers", "[portal]", "env", "[A]"), "spec.containers[portal].env[A]"),
        (("tags",), "tags"),
    ],
)
def test_names_of_paths(path: tuple[str, ...], name: str) -> None:
    assert Difference(path, 1, 2).name == name
