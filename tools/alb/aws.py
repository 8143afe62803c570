"""An AWS account on a moto server, with the VPC of an EKS cluster."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

REGION = "us-east-1"
# AWS clients send nothing without credentials; moto verifies no signature.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
}
VPC_CIDR = "10.42.0.0/16"
_SUBNETS = {"a": "10.42.0.0/20", "b": "10.42.16.0/20"}
_START_SECONDS = 60

Answer = dict[str, Any]


@dataclass(frozen=True)
class Aws:
    """The account's API. Methods raise botocore's ClientError as the service does."""

    url: str
    cluster: str
    """Cluster name in the tags of the VPC's subnets and security group."""
    vpc_id: str = ""
    region: str = REGION

    def client(self, service: str) -> Any:
        """A boto3 client for a service, such as `elbv2`."""
        import boto3  # a requirement of the cluster tests only

        return boto3.client(
            service,
            region_name=self.region,
            endpoint_url=self.url,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def certificate(self, host: str) -> str:
        """Imports a certificate for the host, from a CA of its own, into ACM. Returns its ARN."""
        import trustme

        authority = trustme.CA()
        issued = authority.issue_cert(host)
        arn: str = self.client("acm").import_certificate(
            Certificate=issued.cert_chain_pems[0].bytes(),
            PrivateKey=issued.private_key_pem.bytes(),
            CertificateChain=authority.cert_pem.bytes(),
        )["CertificateArn"]
        return arn

    def load_balancers(self) -> list[Answer]:
        """All load balancers, as DescribeLoadBalancers returns them."""
        found: list[Answer] = self.client("elbv2").describe_load_balancers()["LoadBalancers"]
        return found

    def load_balancer(self, hostname: str) -> Answer:
        """The load balancer with a DNS name, such as the one in an Ingress's status."""
        (found,) = [each for each in self.load_balancers() if each["DNSName"] == hostname]
        return found

    def listeners(self, load_balancer: str) -> list[Answer]:
        """Listeners of the load balancer with this ARN."""
        client = self.client("elbv2")
        found: list[Answer] = client.describe_listeners(LoadBalancerArn=load_balancer)["Listeners"]
        return found

    def rules(self, listener: str) -> list[Answer]:
        """Rules of the listener with this ARN."""
        found: list[Answer] = self.client("elbv2").describe_rules(ListenerArn=listener)["Rules"]
        return found

    def target_groups(self, load_balancer: str | None = None) -> list[Answer]:
        """Target groups of the load balancer with this ARN; all groups without one."""
        only = {"LoadBalancerArn": load_balancer} if load_balancer else {}
        found: list[Answer] = self.client("elbv2").describe_target_groups(**only)["TargetGroups"]
        return found

    def attributes(self, arn: str) -> dict[str, str]:
        """Attributes of a load balancer, target group or listener by its ARN."""
        client = self.client("elbv2")
        if ":targetgroup/" in arn:
            answer = client.describe_target_group_attributes(TargetGroupArn=arn)
        elif ":listener/" in arn:
            answer = client.describe_listener_attributes(ListenerArn=arn)
        else:
            answer = client.describe_load_balancer_attributes(LoadBalancerArn=arn)
        return {each["Key"]: each["Value"] for each in answer["Attributes"]}

    def tags(self, arn: str) -> dict[str, str]:
        """Tags of any Elastic Load Balancing resource by its ARN."""
        answer = self.client("elbv2").describe_tags(ResourceArns=[arn])
        return {each["Key"]: each["Value"] for each in answer["TagDescriptions"][0]["Tags"]}

    def ingress_rules(self, groups: Sequence[str]) -> list[Answer]:
        """Ingress rules of security groups."""
        answer = self.client("ec2").describe_security_groups(GroupIds=list(groups))
        return [rule for group in answer["SecurityGroups"] for rule in group["IpPermissions"]]


@contextmanager
def aws_account(cluster: str) -> Iterator[Aws]:
    """An account on a moto server that runs until the context exits.

    Creates a VPC with two subnets in two zones, tagged for internal and public load balancers, and
    the cluster's security group. Raises RuntimeError if the server doesn't start.
    """
    with moto_server() as url:
        aws = Aws(url, cluster)
        yield Aws(aws.url, cluster, _network(aws))


@contextmanager
def moto_server(module: str = "moto.server", **environment: str) -> Iterator[str]:
    """Runs a moto server on a free loopback port until the context exits. Yields its URL.

    module: whose `__main__` takes moto's options. environment: further variables of the process.
    Raises RuntimeError if the server doesn't start.
    """
    port = free_port("127.0.0.1")
    server = subprocess.Popen(  # noqa: S603, arguments are this project's own
        [sys.executable, "-m", module, "--host", "127.0.0.1", "--port", str(port)],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def free_port(address: str) -> int:
    """A free TCP port on a local address."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=1),
        ):
            return
        time.sleep(0.1)
    raise RuntimeError(f"no moto server within {_START_SECONDS} s on port {port}: is it installed?")


def _network(aws: Aws) -> str:
    ec2 = aws.client("ec2")
    vpc: str = ec2.create_vpc(CidrBlock=VPC_CIDR)["Vpc"]["VpcId"]
    owned = {f"kubernetes.io/cluster/{aws.cluster}": "owned"}
    roles = {"kubernetes.io/role/internal-elb": "1", "kubernetes.io/role/elb": "1"}
    for zone, cidr in _SUBNETS.items():
        ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=cidr,
            AvailabilityZone=f"{aws.region}{zone}",
            TagSpecifications=_tags("subnet", owned | roles),
        )
    ec2.create_security_group(
        GroupName=f"{aws.cluster}-cluster",
        Description="of the cluster",
        VpcId=vpc,
        TagSpecifications=_tags("security-group", owned),
    )
    return vpc


def _tags(kind: str, tags: dict[str, str]) -> list[Answer]:
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    return [{"ResourceType": kind, "Tags": listed}]
