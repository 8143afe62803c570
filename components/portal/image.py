"""The portal's container image: built and pushed by this program, or pulled from a registry."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import InvokeOutputOptions, Output, ResourceOptions

from components.cluster.encryption import warn_of_another_key
from components.kubernetes.pods import PodImage
from settings.keys import ImageSettings

# account.dkr.ecr.region.amazonaws.com/name; the China partition ends in .com.cn
_ECR = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?/.+")

# 200 images that other stacks may run, and that a rollback may want. ECR counts the signature, the
# SBOM and the provenance of each as an image, too.
KEPT_IMAGES = 4 * 200


@dataclass(frozen=True)
class ImageArgs:
    settings: ImageSettings
    repository_name: str
    """Name of the ECR repository, where one is created; unique in account and region."""
    ecr: bool
    """Whether images are pushed to ECR; False: nothing of AWS is looked up or created."""
    kms_key_arn: str | None = None
    """Key of the ECR repository; None: AWS's own."""


class Image(pulumi.ComponentResource):
    """Builds `appPath` with pulumi-docker and pushes it, or names an existing image.

    Without `appPath` no resource of Docker exists, so that no Docker engine is needed. Without
    `imageRepository` the built image is pushed to an ECR repository with immutable tags, or stays
    in the Docker engine without AWS.
    """

    reference: Output[str]
    """`repository@sha256:...`, or `repository:tag` for a given tag."""
    pods: PodImage
    """Pulled always for a tag on AWS, because a tag can move. Pulled if missing for a digest, and
    without AWS, where images are often loaded into the nodes."""
    repository_url: Output[str] | None
    """The created ECR repository."""

    def __init__(self, name: str, args: ImageArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("backstage:image:Image", name, None, opts)
        settings = args.settings
        self.repository_url = None
        pull_policy = "IfNotPresent"
        if settings.app:
            self.reference = self._built(name, args)
        elif settings.digest:
            self.reference = Output.from_input(f"{settings.repository}@{settings.digest}")
        else:
            self.reference = Output.from_input(f"{settings.repository}:{settings.tag}")
            pull_policy = "Always" if args.ecr else pull_policy
        self.pods = PodImage(self.reference, pull_policy, settings.platform, settings.pull_secret)
        self.register_outputs({"reference": self.reference})

    def _built(self, name: str, args: ImageArgs) -> Output[str]:
        # Imported here: a stack that builds nothing neither loads nor needs pulumi-docker.
        import pulumi_docker as docker

        settings = args.settings
        assert settings.app
        registry_id: pulumi.Input[str] | None
        pushed = args.ecr or bool(settings.repository)
        if not args.ecr or settings.repository:
            repository: pulumi.Input[str] = settings.repository or args.repository_name
            ecr = _ECR.fullmatch(settings.repository or "") if args.ecr else None
            registry_id, registry_region = ecr.group(1, 2) if ecr else (None, None)
        else:
            created = self._repository(name, args)
            repository = self.repository_url = created.repository_url
            registry_id, registry_region = created.registry_id, None

        registry = None  # another registry: with the Docker client's own login
        if registry_id:
            token = aws.ecr.get_authorization_token_output(
                registry_id=registry_id,
                region=registry_region,
                opts=InvokeOutputOptions(parent=self),
            )
            registry = docker.RegistryArgs(
                server=repository,
                username=token.user_name,
                password=Output.secret(token.password),  # no schema marks it secret
            )
        image = docker.Image(
            f"{name}-image",
            docker.ImageArgs(
                image_name=Output.format("{0}:{1}", repository, settings.tag),
                build=docker.DockerBuildArgs(
                    context=settings.app.path,
                    dockerfile=f"image/{settings.build}.Dockerfile",
                    target=settings.stage,
                    platform=settings.platform,  # unset, it would be the building machine's
                    builder_version=docker.BuilderVersion.BUILDER_BUILD_KIT,
                    args=_build_arguments(args),
                ),
                build_on_preview=False,
                registry=registry,
                skip_push=not pushed,
            ),
            opts=ResourceOptions(parent=self),
        )
        return image.repo_digest if pushed else image.image_name

    def _repository(self, name: str, args: ImageArgs) -> aws.ecr.Repository:
        repository = aws.ecr.Repository(
            f"{name}-repository",
            aws.ecr.RepositoryArgs(
                name=args.repository_name,
                image_tag_mutability="IMMUTABLE",  # ECR.2
                image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(
                    scan_on_push=True  # ECR.1
                ),
                encryption_configurations=[
                    aws.ecr.RepositoryEncryptionConfigurationArgs(
                        encryption_type="KMS", kms_key=args.kms_key_arn
                    )
                ],
                # Another stack may run an image of this repository: `destroy` doesn't empty it.
                force_delete=False,
            ),
            # ECR encrypts a repository with one key for life: another would replace it.
            opts=ResourceOptions(parent=self, ignore_changes=["encryptionConfigurations"]),
        )
        warn_of_another_key(
            "The image repository",
            repository.encryption_configurations.apply(
                lambda each: each[0].kms_key if each else None
            ),
            args.kms_key_arn,
            repository,
        )
        aws.ecr.LifecyclePolicy(
            f"{name}-repository-lifecycle",
            aws.ecr.LifecyclePolicyArgs(
                repository=repository.name, policy=json.dumps({"rules": [_expiry(KEPT_IMAGES)]})
            ),
            opts=ResourceOptions(parent=self),
        )
        return repository


def _build_arguments(args: ImageArgs) -> dict[str, str]:
    """None of them changes without a commit or a changed setting: no build is repeated."""
    app, tag = args.settings.app, args.settings.tag
    arguments = {
        "REVISION": tag,
        "CREATED": app.commit_time(tag) if app and tag else None,
        "SOURCE": args.settings.source,
        "NODE_IMAGE": args.settings.base,
    }
    return {name: value for name, value in arguments.items() if value}


def _expiry(number: int) -> dict[str, object]:
    # No rule for untagged images: signatures have no tag, and have to last as long as their image.
    return {
        "rulePriority": 1,
        "description": f"expire images beyond {number}",
        "selection": {
            "tagStatus": "any",
            "countType": "imageCountMoreThan",
            "countNumber": number,
        },
        "action": {"type": "expire"},
    }
