"""The portal's image: pulled, or built and pushed."""

from __future__ import annotations

import json

import pulumi
import pytest
from pulumi import ResourceOptions

from components.portal.image import Image, ImageArgs
from settings.backstage_app import BackstageApp
from settings.keys import ImageSettings
from tests.components.parts import ECR, MODES, run
from tests.programs import Program
from tests.tokens import AWS_PROVIDER, IMAGE, KUBERNETES_PROVIDER, REPOSITORY

DIGEST = "sha256:" + "a" * 64


def image(
    settings: ImageSettings, ecr: bool = True, creates: bool = False
) -> tuple[Program, str, str | None]:
    """A run with the image "i", its pull policy, and None without a repository of its own."""
    found: list[Image] = []

    def build(opts: ResourceOptions) -> None:
        found.append(Image("i", ImageArgs(settings, "shop-dev", ecr), opts))
        pulumi.export("image", found[0].reference)
        pulumi.export("repository", found[0].repository_url)

    program = run(build, creates)
    return program, found[0].pods.pull_policy, program.outputs.get("repository")


def custom_types(program: Program) -> set[str]:
    providers = {AWS_PROVIDER, KUBERNETES_PROVIDER}
    resources = program.recording.resources.values()
    return {each.type for each in resources if each.custom} - providers


@MODES
@pytest.mark.parametrize(
    ("settings", "ecr", "reference", "pull_policy"),
    [
        ({"tag": "abc"}, True, f"{ECR}:abc", "Always"),  # a tag may move
        ({"tag": "abc", "digest": DIGEST}, True, f"{ECR}@{DIGEST}", "IfNotPresent"),
        ({"tag": "abc"}, False, f"{ECR}:abc", "IfNotPresent"),  # loaded into the nodes, often
    ],
    ids=["tag", "digest wins", "tag without AWS"],
)
def test_pulled_image_registers_nothing(
    settings: dict[str, str], ecr: bool, reference: str, pull_policy: str, creates: bool
) -> None:
    program, policy, repository = image(ImageSettings(repository=ECR, **settings), ecr, creates)
    assert (program.outputs["image"], policy, repository) == (reference, pull_policy, None)
    assert custom_types(program) == set()


@pytest.fixture
def commit_time(monkeypatch: pytest.MonkeyPatch) -> str:
    time = "2026-11-23T10:00:00+00:00"
    monkeypatch.setattr(BackstageApp, "commit_time", lambda _, commit: {"abc": time}.get(commit))
    return time


@MODES
def test_build_without_repository_creates_one(creates: bool, commit_time: str) -> None:
    settings = ImageSettings(app="portal", tag="abc", base="r.io/node:24", source="https://g.io/p")
    program, policy, repository_url = image(settings, creates=creates)
    repository = program.inputs(REPOSITORY)
    assert repository["name"] == "shop-dev"
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["encryptionConfigurations"] == [{"encryptionType": "KMS"}]
    assert repository["forceDelete"] is False
    lifecycle = json.loads(program.inputs("aws:ecr/lifecyclePolicy:LifecyclePolicy")["policy"])
    assert [rule["selection"] for rule in lifecycle["rules"]] == [
        {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 800},
    ]
    built = program.inputs(IMAGE)
    assert built["build"] == {
        "context": "portal",
        "dockerfile": "image/multi-stage.Dockerfile",
        "target": "portal",
        "platform": "linux/amd64",
        "builderVersion": "BuilderBuildKit",
        "args": {
            "REVISION": "abc",
            "CREATED": commit_time,
            "SOURCE": "https://g.io/p",
            "NODE_IMAGE": "r.io/node:24",
        },
    }
    assert built["buildOnPreview"] is False
    assert built["skipPush"] is False
    assert policy == "IfNotPresent"
    if creates:
        url = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop-dev"
        assert repository_url == url
        assert built["imageName"] == f"{url}:abc"
        assert program.outputs["image"].startswith(f"{url}@sha256:")


def test_labels_of_an_unknown_commit_have_no_time(commit_time: str) -> None:
    program, *_ = image(ImageSettings(app="portal", tag="no-commit"))
    assert program.inputs(IMAGE)["build"]["args"] == {"REVISION": "no-commit"}


@MODES
@pytest.mark.parametrize(
    ("repository", "ecr", "pushed", "logs_in"),
    [
        (ECR, True, True, True),
        ("ghcr.io/shop/portal", True, True, False),
        (ECR, False, True, False),
        ("ghcr.io/shop/portal", False, True, False),
        (None, False, False, False),
    ],
    ids=["ECR", "another registry", "ECR without AWS", "registry without AWS", "Docker engine"],
)
def test_build_for_an_existing_repository(
    repository: str | None, ecr: bool, pushed: bool, logs_in: bool, creates: bool
) -> None:
    """It logs in to ECR with a token; to others Docker's own login is used."""
    settings = ImageSettings(app="portal", tag="abc", repository=repository)
    program, policy, own_repository = image(settings, ecr, creates)
    assert (policy, own_repository) == ("IfNotPresent", None)
    assert custom_types(program) == {IMAGE}
    built = program.inputs(IMAGE)
    name = repository or "shop-dev"
    assert built["imageName"] == f"{name}:abc"
    assert built["skipPush"] is not pushed
    assert ("registry" in built) == logs_in
    if logs_in:
        assert built["registry"]["server"] == repository
    if not pushed:
        assert program.outputs["image"] == f"{name}:abc"
    elif creates:
        assert program.outputs["image"].startswith(f"{name}@sha256:")
