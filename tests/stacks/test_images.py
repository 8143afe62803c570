"""Images: what is built, what pods run, and what a new image touches."""

from __future__ import annotations

import pytest

from tests.programs import BUILDING, CREATING, MIGRATING, STACKS, changed, differing, previewed
from tests.stacks.pods import MIGRATION_JOB, PORTAL, POSTGRES, ROLE_JOB, container, templates
from tests.tokens import IMAGE, REPOSITORY


@pytest.mark.parametrize("stack", STACKS)
def test_docker_is_used_only_to_build(stack: str) -> None:
    docker = {each for each in previewed(stack).types() if each.startswith("docker:")}
    assert docker == ({IMAGE} if stack in BUILDING else set())


@pytest.mark.parametrize("stack", STACKS)
def test_repository_is_created_only_for_a_build_without_one(stack: str) -> None:
    program = previewed(stack)
    creates = stack in CREATING
    assert len(program.all(REPOSITORY)) == creates
    assert ("ecrRepositoryUrl" in program.outputs) == creates


@pytest.mark.parametrize(
    ("stack", "image", "policy"),
    [
        ("prod", "backstage-dev:5f0c2e9b7a4d1f3865e2c0b9a7d4f1e386c5b2a0", "Always"),
        ("auto-mode", "ghcr.io/example/backstage@sha256:0f1e2d3c", "IfNotPresent"),
        ("dev", "/backstage-dev@sha256:", "IfNotPresent"),
        ("irsa", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/portal@sha256:", "IfNotPresent"),
        ("local", "backstage-portal:local", "IfNotPresent"),
        (
            "local-build",
            "backstage-local-build:5f0c2e9b7a4d1f3865e2c0b9a7d4f1e386c5b2a0",
            "IfNotPresent",
        ),
    ],
)
def test_reference_and_pull_policy(stack: str, image: str, policy: str) -> None:
    found = container(stack)
    assert image in found["image"]
    assert found["imagePullPolicy"] == policy
    assert previewed(stack, creates=True).outputs["image"] == found["image"]


def test_pull_secret_is_in_every_pod() -> None:
    for template in templates(previewed("auto-mode", creates=True)).values():
        assert template["spec"]["imagePullSecrets"] == [{"name": "ghcr"}]


@pytest.mark.parametrize("stack", ["dev", "prod", "local", "local-build"])
def test_new_tag_touches_image_jobs_and_deployment_only(stack: str) -> None:
    touched = {PORTAL, ROLE_JOB}
    if stack in MIGRATING:
        touched.add(MIGRATION_JOB)
    if stack in BUILDING:
        touched.add("backstage-image")
    after = changed(stack, {"imageTag": "0123abc"}, creates=True)
    assert differing(previewed(stack, creates=True), after) == touched


@pytest.mark.parametrize(
    ("stack", "architecture"),
    [("prod", "amd64"), ("irsa", "arm64"), ("local", "amd64"), ("local-build", "arm64")],
)
def test_nodes_match_the_platform_of_the_image(stack: str, architecture: str) -> None:
    for name, template in templates(previewed(stack, creates=True)).items():
        if name == POSTGRES:  # an image of every platform
            assert "nodeSelector" not in template["spec"]
        else:
            assert template["spec"]["nodeSelector"]["kubernetes.io/arch"] == architecture
    for image in previewed(stack).all(IMAGE):
        assert image.inputs["build"]["platform"] == f"linux/{architecture}"
