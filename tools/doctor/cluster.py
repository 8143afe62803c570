"""What the EKS cluster needs, as AWS knows it: version, access, subnets, add-ons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from components.cluster.kubeconfig import kubeconfig
from components.cluster.subnets import ROLES
from settings.model import Settings
from tools.doctor.addons import Description, Parts, numbers
from tools.doctor.aws import Aws, AwsError
from tools.findings import Check, Finding, Unanswered, missing, ok

OLDEST_KUBERNETES = (1, 32)
_ZONES = 2  # that an Application Load Balancer and Aurora need


def describe(aws: Aws, name: str, stack: str) -> tuple[Finding, Description]:
    """Whether the cluster is there and new enough, and its description; {} if nobody can ask it.

    stack: its name, for commands.
    """
    try:
        cluster: Description = aws.ask("eks", "describe-cluster", "--name", name)["cluster"]
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        listed = aws.command("eks", "list-clusters")
        text = f"{aws.region} has no cluster {name}"
        choose = f"pulumi config set --stack {stack} clusterName NAME"
        return missing(text, f"{listed} && {choose}"), {}
    if cluster["status"] not in ("ACTIVE", "UPDATING"):
        wait = aws.command("eks", "wait", "cluster-active", "--name", name)
        return missing(f"{name} is {cluster['status']}", wait), {}
    if numbers(cluster["version"]) < OLDEST_KUBERNETES:
        oldest = ".".join(map(str, OLDEST_KUBERNETES))
        minor = numbers(cluster["version"])[1] + 1
        upgrade = aws.command(
            *("eks", "update-cluster-version", "--name", name),
            *("--kubernetes-version", f"1.{minor}"),
        )
        text = f"{name} runs Kubernetes {cluster['version']}; {oldest} or later is needed"
        return missing(text, upgrade), cluster
    return ok(f"{name}, Kubernetes {cluster['version']}"), cluster


@dataclass(frozen=True)
class Cluster:
    """A cluster that `describe` found."""

    settings: Settings
    aws: Aws
    description: Description
    stack: str
    """Its name, for commands."""
    caller: str = ""
    """The ARN of who asks."""
    group: str = ""
    """Of the deployer's Kubernetes roles."""

    @property
    def name(self) -> str:
        """As in AWS."""
        return str(self.description["name"])

    def kubeconfig(self) -> str:
        """The stack's own kubeconfig, as JSON."""
        authority = self.description["certificateAuthority"]["data"]
        server = self.description["endpoint"]
        return json.dumps(kubeconfig(self.name, self.settings.aws, server, authority))

    @property
    def parts(self) -> Parts:
        """Add-ons and features."""
        return Parts(self.settings, self.aws, self.description)

    def how_to_reach(self) -> str:
        """What to do if the API server doesn't answer."""
        if self.description.get("resourcesVpcConfig", {}).get("endpointPublicAccess", True):
            return self.aws.command(
                *("eks", "update-cluster-config", "--name", self.settings.cluster_name),
                *("--resources-vpc-config", "publicAccessCidrs=ADDRESS/32"),
            )
        return "its endpoint is private: run this in its VPC, or over a VPN into it"

    def checks(self) -> Iterator[Check]:
        """Those that the stack's keys need."""
        s = self.settings
        yield Check("access entry", self._access)
        yield Check("load balancer's subnets", self._load_balancer_subnets)
        if s.database_kind == "aurora":
            yield Check("database's subnets", self._database_subnets)
        yield from self.parts.checks()

    def _access(self) -> Finding:
        mode = self.description.get("accessConfig", {}).get("authenticationMode", "API")
        if mode == "CONFIG_MAP":
            raise Unanswered("the cluster has the ConfigMap aws-auth only, which lists access")
        entries = self.aws.ask("eks", "list-access-entries", "--cluster-name", self.name)
        principal = _principal(self.caller)
        for entry in entries["accessEntries"]:
            if _principal(entry) == principal:
                return ok(entry)
        create = self.aws.command(
            *("eks", "create-access-entry", "--cluster-name", self.name),
            *("--kubernetes-groups", self.group, "--principal-arn", principal),
        )
        if "role/AWSReservedSSO_" in principal:  # whose ARN has a path, which no session shows
            role = principal.rpartition("/")[2]
            create = create.replace(
                principal,
                f'"$(aws iam get-role --role-name {role} --query Role.Arn --output text)"',
            )
        aws_auth = "; the ConfigMap aws-auth may list it" if mode != "API" else ""
        return missing(f"{principal} has none{aws_auth}", create)

    def _subnets(self, *filters: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.aws.ask("ec2", "describe-subnets", *filters)["Subnets"]
        return found

    def _load_balancer_subnets(self) -> Finding:
        vpc = self.description["resourcesVpcConfig"]["vpcId"]
        tag = ROLES[self.settings.ingress.scheme]
        # The values that the controller takes, one empty.
        only = [f"Name=vpc-id,Values={vpc}", f"Name=tag-key,Values={tag}"]
        tagged = [
            each
            for each in self._subnets("--filters", *only)
            if {t["Key"]: t["Value"] for t in each["Tags"]}.get(tag) in ("", "1")
        ]
        zones = sorted({each["AvailabilityZone"] for each in tagged})
        if len(zones) >= _ZONES:
            return ok(f"{len(tagged)} with {tag}, in {', '.join(zones)}")
        create = self.aws.command(
            *("ec2", "create-tags", "--tags", f"Key={tag},Value=1", "--resources"),
            *("SUBNET", "SUBNET"),
        )
        where = f"only {zones[0]} has a subnet" if zones else "no subnet of its VPC is"
        return missing(f"{where} with the tag {tag}; it takes two zones", create)

    def _database_subnets(self) -> Finding:
        chosen = self.settings.database.subnet_ids
        ids = chosen or self.description["resourcesVpcConfig"]["subnetIds"]
        known = self._subnets("--subnet-ids", *ids)
        private = [each for each in known if chosen or not each["MapPublicIpOnLaunch"]]
        zones = sorted({each["AvailabilityZone"] for each in private})
        if len(zones) >= _ZONES:
            return ok(f"{len(private)} in {', '.join(zones)}")
        add = f"pulumi config set --stack {self.stack} --path 'databaseSubnetIds"
        return missing(
            f"{len(private)} private subnets in {len(zones)} zones; Aurora takes two zones",
            f"{add}[0]' SUBNET && {add}[1]' SUBNET",
        )


def _principal(arn: str) -> str:
    """The IAM role or user behind an ARN. Paths are left out: a session's ARN has none."""
    *head, account, resource = arn.split(":", 5)
    kind, *rest = resource.split("/")
    partition = head[1]
    if kind == "assumed-role":
        return f"arn:{partition}:iam::{account}:role/{rest[0]}"
    return f"arn:{partition}:iam::{account}:{kind}/{rest[-1]}" if rest else arn
