"""An AWS account on a moto server: emptied, seeded for a stack, and asked afterwards."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3

from tests.aws.calls import Call, decoded
from tools.alb.aws import CREDENTIALS
from tools.preview.answers import SUBNETS

# IDs that a stack file may name; moto gives its own, so the file has to name those.
NAMED = re.compile(r"\b(subnet|sg)-[0-9a-f]{17}\b")
VPC_CIDR, POD_CIDR = "10.0.0.0/16", "100.64.0.0/16"

# Service, operation, key of its answer, key of a name.
LISTED = (
    ("acm", "list_certificates", "CertificateSummaryList", "CertificateArn"),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("ecr", "describe_repositories", "repositories", "repositoryName"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("rds", "describe_db_clusters", "DBClusters", "DBClusterIdentifier"),
    ("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    ("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    (
        *("rds", "describe_db_cluster_parameter_groups"),
        *("DBClusterParameterGroups", "DBClusterParameterGroupName"),
    ),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("secretsmanager", "list_secrets", "SecretList", "ARN"),
)

Values = Mapping[str, Any]


class Account:
    """The account behind a moto server's URL."""

    def __init__(self, url: str) -> None:
        self.url = url

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """A boto3 client."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def is_moto(self) -> bool:
        """Whether a moto server answers: no test may empty anything else."""
        try:
            json.loads(self._moto("config", method="GET"))
        except (OSError, ValueError):
            return False
        return True

    def _moto(self, path: str, body: Any = None, method: str = "POST") -> str:
        request = urllib.request.Request(
            f"{self.url}/moto-api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            text: str = answer.read().decode()
        return text

    def empty(self) -> None:
        """Removes everything. Certificates are then issued, and clusters active, at once."""
        self._moto("recorder/stop-recording")
        self._moto("reset")
        for model in ("acm::certificate", "eks::cluster"):
            transition = {"model_name": model, "transition": {"progression": "immediate"}}
            self._moto("state-manager/set-transition", transition)

    @contextmanager
    def recorded(self) -> Iterator[list[Call]]:
        """Fills the yielded list with the calls made in the context, once it exits."""
        calls: list[Call] = []
        self._moto("recorder/reset-recording")
        self._moto("recorder/start-recording")
        try:
            yield calls
        finally:
            self._moto("recorder/stop-recording")
            lines = self._moto("recorder/download-recording").splitlines()
            calls.extend(filter(None, map(decoded, lines)))

    def seed(self, values: Values, text: str) -> str:
        """Creates what a stack expects to exist: its cluster and network, zone, snapshot.

        values: the stack's configuration. text: its file. Returns the text with moto's IDs.
        """
        region = values["aws:region"]
        ec2 = self.client("ec2", region)
        vpc = ec2.create_vpc(CidrBlock=VPC_CIDR)["Vpc"]["VpcId"]
        ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock=POD_CIDR)
        subnets = [
            _subnet(ec2, vpc, region + zone, cidr, public)
            for zone, cidr, public in SUBNETS.values()
        ]
        group = _group(ec2, vpc, "cluster")
        self._cluster(values["backstage:clusterName"], region, subnets, group)
        self._optional(values, region, subnets)
        made = {"subnet": iter(subnets), "sg": iter([_group(ec2, vpc, "other")])}
        for match in {each.group(): each for each in NAMED.finditer(text)}.values():
            text = text.replace(match.group(), next(made[match.group(1)]))
        return text

    def _cluster(self, name: str, region: str, subnets: list[str], group: str) -> None:
        eks, iam = self.client("eks", region), self.client("iam")
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "eks.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        role = iam.create_role(RoleName="eks", AssumeRolePolicyDocument=json.dumps(trust))
        created = eks.create_cluster(
            name=name,
            version="1.35",
            roleArn=role["Role"]["Arn"],
            resourcesVpcConfig={"subnetIds": subnets, "securityGroupIds": [group]},
        )
        iam.create_open_id_connect_provider(
            Url=created["cluster"]["identity"]["oidc"]["issuer"],
            ClientIDList=["sts.amazonaws.com"],
            ThumbprintList=["a" * 40],
        )

    def _optional(self, values: Values, region: str, subnets: list[str]) -> None:
        if zone := values.get("backstage:hostedZoneName"):
            self.client("route53").create_hosted_zone(Name=zone, CallerReference=zone)
        if snapshot := values.get("backstage:databaseSnapshotIdentifier"):
            self.snapshot(snapshot, values["backstage:databaseEngineVersion"], region)
        looked_up = ("ingressAuthentication", "alarms", "dashboard")
        if any(values.get(f"backstage:{key}") for key in looked_up):
            self._load_balancer(values, region, subnets)

    def snapshot(self, name: str, version: str, region: str) -> None:
        """A snapshot of a database that has been deleted since."""
        rds = self.client("rds", region)
        rds.create_db_cluster(
            DBClusterIdentifier="former",
            Engine="aurora-postgresql",
            EngineVersion=version,
            MasterUsername="backstageadmin",
            MasterUserPassword="of-the-former-database",
            DatabaseName="backstage",
            StorageEncrypted=True,
        )
        rds.create_db_cluster_snapshot(
            DBClusterIdentifier="former", DBClusterSnapshotIdentifier=name
        )
        rds.delete_db_cluster(DBClusterIdentifier="former", SkipFinalSnapshot=True)

    def _load_balancer(self, values: Values, region: str, subnets: list[str]) -> None:
        """What the controller makes of the Ingress, which a double stands for."""
        ingress = f"{values.get('backstage:namespace', 'backstage')}/backstage"

        def tags(resource: str) -> list[dict[str, str]]:
            named = {
                "elbv2.k8s.aws/cluster": values["backstage:clusterName"],
                "ingress.k8s.aws/stack": ingress,
                "ingress.k8s.aws/resource": resource,
            }
            return [{"Key": key, "Value": value} for key, value in named.items()]

        elb = self.client("elbv2", region)
        elb.create_load_balancer(
            Name="k8s-backstag-backstag", Subnets=subnets[:2], Tags=tags("LoadBalancer")
        )
        port = values.get("backstage:port", 7007)
        elb.create_target_group(
            Name="k8s-backstag-backstag",
            TargetType="ip",
            Protocol="HTTP",
            Port=port,
            VpcId=self.client("ec2", region).describe_subnets(SubnetIds=subnets[:1])["Subnets"][0][
                "VpcId"
            ],
            Tags=tags(f"{ingress}-backstage:{port}"),
        )

    def names(self, region: str) -> set[str]:
        """What the account has of everything that a stack may create, but for snapshots."""
        found = {
            f"{service} {each[name]}"
            for service, operation, key, name in LISTED
            for each in getattr(self.client(service, region), operation)()[key]
        }
        policies = self.client("iam").list_policies(Scope="Local")["Policies"]
        found |= {f"iam {each['PolicyName']}" for each in policies}
        return found | set(self.records())

    def records(self) -> list[str]:
        """Name and type of every record but a zone's own two."""
        route53 = self.client("route53")
        return [
            f"{record['Name']} {record['Type']}"
            for zone in route53.list_hosted_zones()["HostedZones"]
            for record in route53.list_resource_record_sets(HostedZoneId=zone["Id"])[
                "ResourceRecordSets"
            ]
            if record["Type"] not in ("NS", "SOA")
        ]


def _subnet(ec2: Any, vpc: str, zone: str, cidr: str, public: bool) -> str:
    subnet: str = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"][
        "SubnetId"
    ]
    if public:
        ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    role = f"kubernetes.io/role/{'' if public else 'internal-'}elb"
    ec2.create_tags(Resources=[subnet], Tags=[{"Key": role, "Value": "1"}])
    return subnet


def _group(ec2: Any, vpc: str, name: str) -> str:
    group: str = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
    return group
