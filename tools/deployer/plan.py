"""Names and ARNs of what a stack's plan creates."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tools.preview.former import formers_in
from tools.preview.recording import COMPUTED, SECRET, Recording, Resource

PROVIDER = "pulumi:providers:aws"
# What Pulumi appends to a logical name: a hyphen and seven hexadecimal digits.
GENERATED = "-" + "?" * 7
_NUMBER = re.compile(r"\d+")
_ECR = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([^:@]+)")


class DeployerError(Exception):
    """A plan whose rights can't be written; the text says why, and what to do."""


@dataclass(frozen=True)
class Plan:
    """A preview's resources with the account and the region that they are in.

    rights: for each type, its entry below `resources` in rights.yaml. created: the same program
    with stand-ins for what is unknown before the resources exist: some look-ups need that.
    """

    recording: Recording
    created: Recording
    rights: Mapping[str, Mapping[str, Any]]
    account: str
    region: str

    @cached_property
    def _formers(self) -> Callable[[str], tuple[str, ...]]:
        return formers_in(self.recording.resources)

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn` or `aws-us-gov`."""
        first, second, *_ = self.region.split("-")
        return {"cn": "aws-cn", "us": "aws-us-gov" if second == "gov" else "aws"}.get(first, "aws")

    @property
    def tags(self) -> dict[str, str]:
        """The default tags that tell this stack's resources from another's."""
        (provider,) = [each for each in self.recording.resources.values() if each.type == PROVIDER]
        tags = json.loads(provider.inputs["defaultTags"])["tags"]
        return {key: tags[key] for key in ("project", "stack")}

    def resources(self) -> Iterator[Resource]:
        """What AWS has to allow, in the order of URNs."""
        for _, resource in sorted(self.recording.resources.items()):
            if resource.type.startswith(("aws:", "docker:")):
                yield resource

    def arns(self, resource: Resource) -> list[str]:
        """The resource's ARN, with wildcards for what AWS or Pulumi generates; a second one where
        the service has two spellings; none for an image that no ECR repository gets.
        """
        entry = self.rights[resource.type]
        if "of" in entry:
            return self.arns_behind(resource, entry["of"])
        if resource.type.startswith("docker:"):
            return self._repository(resource)
        return [arn for name in self.names(resource) for arn in self._named(resource, name)]

    def new_arns(self, resource: Resource) -> list[str]:
        """The same of one that is created: without those that an alias adopts."""
        entry = self.rights[resource.type]
        if "of" in entry or resource.type.startswith("docker:"):
            return self.arns(resource)
        return self._named(resource, self.names(resource)[0])

    def _named(self, resource: Resource, name: str) -> list[str]:
        entry = self.rights[resource.type]
        values = {**resource.inputs, "name": name}
        return [self.of_stack(entry[key], values) for key in ("arn", "twin") if key in entry]

    def arns_behind(self, resource: Resource, name: str) -> list[str]:
        """The ARNs of the resources that an input refers to."""
        value = resource.inputs.get(name)
        if isinstance(value, str) and value.startswith("arn:"):
            return [value]
        urns = resource.property_dependencies.get(name, [])
        found = [self.recording.resources[urn] for urn in urns]
        return [arn for each in found if each.type in self.rights for arn in self.arns(each)]

    def filled(self, pattern: str, resource: Resource) -> str:
        """A pattern of rights.yaml with the values of a resource."""
        return self.of_stack(pattern, {**resource.inputs, "name": self.names(resource)[0]})

    def of_stack(self, pattern: str, values: Mapping[str, Any]) -> str:
        """A pattern of rights.yaml with the stack's account, region and partition."""
        known = {"partition": self.partition, "region": self.region, "account": self.account}
        return pattern.format(**{**values, **known})

    def names(self, resource: Resource) -> list[str]:
        """The physical name, with wildcards for what is generated and what varies: another
        generation of the database, instance, class and major version need no new policy.

        Others follow if the name is generated and the resource has aliases: what one of them
        adopts keeps its name.
        """
        given = resource.inputs.get(self.rights[resource.type].get("name", "name"))
        if resource.type == "aws:route53/record:Record":
            return [self._record_name(resource, given)]
        if isinstance(given, str) and given not in (COMPUTED, SECRET):
            varies = self.rights[resource.type].get("varies")
            return [re.sub(varies, "*", given) if varies else given]
        formers = self._formers(resource.urn)
        logical = [resource.name, *(urn.rpartition("::")[2] for urn in formers)]
        return [_NUMBER.sub("*", name) + GENERATED for name in dict.fromkeys(logical)]

    def _record_name(self, resource: Resource, given: Any) -> str:
        """The host, or any name below it that ACM asks for."""
        if given != COMPUTED:
            return str(given).lower()
        certificates = [
            self.recording.resources[urn] for urn in resource.property_dependencies["name"]
        ]
        return f"_*.{certificates[0].inputs['domainName']}"

    def _repository(self, image: Resource) -> list[str]:
        """The ECR repository that an image is pushed to."""
        if image.inputs.get("skipPush"):
            return []
        created = self.arns_behind(image, "imageName")
        return created or self._ecr(image.inputs["imageName"])

    def pulled(self) -> list[str]:
        """The ECR repository of an image that another stack has pushed."""
        for resource in self.recording.resources.values():
            if resource.type == "kubernetes:apps/v1:Deployment":
                (container,) = resource.inputs["spec"]["template"]["spec"]["containers"]
                return self._ecr(container["image"])
        return []

    def _ecr(self, image: object) -> list[str]:
        match = _ECR.match(str(image))
        if not match:
            return []
        account, region, name = match.groups()
        return [f"arn:{self.partition}:ecr:{region}:{account}:repository/{name}"]
