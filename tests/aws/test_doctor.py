"""`make doctor` against an account on moto: one broken thing at a time, its line, its command."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.aws.doctor_site import (
    BOUNDARY,
    CALLER,
    PARAMETER,
    REGION,
    SECRET,
    TOPIC,
    Site,
    server,
    site,
)
from tests.programs import ROOT
from tools.doctor.addons import AGENT, CNI
from tools.preview.answers import ACCOUNT

pytestmark = [
    pytest.mark.aws,
    pytest.mark.skipif(not shutil.which("aws"), reason="needs the AWS CLI on PATH"),
]

__all__ = ["server", "site"]


def test_nothing_is_missing(site: Site) -> None:
    with site.account.recorded() as calls:
        found = site.findings()
    assert {name: each.text for name, each in found.items() if each.state != "ok"} == {}
    assert set(found) == {
        "cluster", "identity", "DNS zone", "certificate", "image", f"secret {SECRET}",
        f"secret {PARAMETER}", "access entry", "load balancer's subnets", "database's subnets",
        "Pod Identity agent", "OIDC provider", "NetworkPolicies", "alarms", "kmsKeyArn",
        "permissionsBoundaryArn", "techdocsBucket", "accessLogsBucket", "wafAclArn",
    }  # fmt: skip

    # The preview's rights, then those of the table in docs/operations.md.
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = page.partition("## Before `up`")[2].partition("## After `up`")[0]
    documented = set(re.findall(r"`(\w+:[A-Z]\w+)`", section))
    asked = {f"{call.service}:{call.operation}" for call in calls} - {"s3:HeadBucket"}
    always = {
        *("ec2:DescribeSubnets", "eks:DescribeCluster", "iam:ListOpenIDConnectProviders"),
        *("route53:ListHostedZones", "sts:GetCallerIdentity"),
    }
    assert asked | {"ecr:DescribeRepositories", "s3:ListBucket"} == always | documented
    assert not always & documented


AUTO_MODE: dict[str, object] = {"loadBalancerController": "auto-mode", "wafAclArn": None}
Break = Callable[[Site], object]


def _no_zone(site: Site, private: bool = False) -> None:
    route53 = site.client("route53")
    route53.delete_hosted_zone(Id=site.zone)
    if private:
        vpc = site.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
        route53.create_hosted_zone(
            Name="example.com",
            CallerReference="y",
            VPC={"VPCRegion": REGION, "VPCId": vpc},
            HostedZoneConfig={"PrivateZone": True},
        )


def _untag(site: Site, count: int) -> None:
    ids = site.subnets(public=False)[:count]
    site.client("ec2").delete_tags(Resources=ids, Tags=[{"Key": "kubernetes.io/role/internal-elb"}])


def _public(site: Site) -> None:
    for each in site.subnets(public=False):
        site.client("ec2").modify_subnet_attribute(
            SubnetId=each, MapPublicIpOnLaunch={"Value": True}
        )


def _cni(site: Site, version: str, configuration: str) -> None:
    eks = site.client("eks")
    eks.delete_addon(clusterName="platform", addonName=CNI)
    eks.create_addon(
        clusterName="platform", addonName=CNI, addonVersion=version,
        configurationValues=configuration,
    )  # fmt: skip


def _no_issuer(site: Site) -> None:
    iam = site.client("iam")
    for each in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=each["Arn"])


def _other_image(site: Site) -> None:
    images = [{"imageTag": "v1"}]
    site.client("ecr").batch_delete_image(repositoryName="backstage-dev", imageIds=images)


def _delete_secret(site: Site, force: bool) -> None:
    how: Mapping[str, Any] = (
        {"ForceDeleteWithoutRecovery": True} if force else {"RecoveryWindowInDays": 7}
    )
    site.client("secretsmanager").delete_secret(SecretId=SECRET, **how)


# What is broken; changed keys; the check; a part of its line; a part of its command.
BROKEN: dict[str, tuple[Break, dict[str, object], str, str, str]] = {
    "another account": (
        lambda site: None,
        {"aws:allowedAccountIds": ["210987654321"], "permissionsBoundaryArn": None}, "identity",
        f"of account {ACCOUNT}; aws:allowedAccountIds has 210987654321", "AWS_PROFILE=PROFILE",
    ),
    "another cluster's name": (
        lambda site: None, {"clusterName": "platfrom"}, "cluster",
        "us-east-1 has no cluster platfrom", "aws eks list-clusters --region us-east-1",
    ),
    "a cluster being created": (
        lambda site: site.change_cluster(status="CREATING"), {}, "cluster",
        "platform is CREATING", "aws eks wait cluster-active --name platform",
    ),
    "an old cluster": (
        lambda site: site.change_cluster(version="1.31"), {}, "cluster",
        "1.31; 1.32 or later is needed", "--kubernetes-version 1.32",
    ),
    "no access entry": (
        lambda site: site.change_cluster(entries=[f"{CALLER}-of-another"]), {}, "access entry",
        f"arn:aws:iam::{ACCOUNT}:role/deployer has none",
        "--kubernetes-groups backstage-prod-deployer --principal-arn arn:aws:iam",
    ),
    "one tagged subnet": (
        lambda site: _untag(site, 2), {}, "load balancer's subnets", "only us-east-1c has a subnet",
        "aws ec2 create-tags --tags Key=kubernetes.io/role/internal-elb,Value=1",
    ),
    "no tagged subnet": (
        lambda site: _untag(site, 3), {}, "load balancer's subnets", "no subnet of its VPC is",
        "aws ec2 create-tags",
    ),
    "public tags": (
        lambda site: site.client("ec2").delete_tags(
            Resources=site.subnets(public=True), Tags=[{"Key": "kubernetes.io/role/elb"}]
        ),
        {"ingressScheme": "internet-facing", "ingressInboundCidrs": ["192.0.2.0/24"]},
        "load balancer's subnets", "kubernetes.io/role/elb", "Key=kubernetes.io/role/elb,Value=1",
    ),
    "public subnets only": (
        _public, {}, "database's subnets", "0 private subnets in 0 zones", "databaseSubnetIds[0]",
    ),
    "no agent": (
        lambda site: site.client("eks").delete_addon(clusterName="platform", addonName=AGENT),
        {}, "Pod Identity agent", "isn't installed",
        f"aws eks create-addon --cluster-name platform --addon-name {AGENT}",
    ),
    "no issuer": (
        _no_issuer, {}, "OIDC provider", "IAM has no provider for oidc.eks",
        "aws iam create-open-id-connect-provider --url https://oidc.eks",
    ),
    "no Auto Mode": (
        lambda site: None, AUTO_MODE, "EKS Auto Mode", "it is off",
        "aws eks update-cluster-config --name platform --compute-config enabled=true",
    ),
    "no network policies": (
        lambda site: _cni(site, "v1.20.1-eksbuild.1", ""), {}, "NetworkPolicies", "enforces none",
        "aws eks update-addon --cluster-name platform --addon-name vpc-cni",
    ),
    "an old CNI": (
        lambda site: _cni(site, "v1.13.4-eksbuild.1", "enableNetworkPolicy: true"), {},
        "NetworkPolicies", "1.14 can", "--addon-version VERSION",
    ),
    "no zone": (
        _no_zone, {}, "DNS zone", "none named example.com",
        "aws route53 create-hosted-zone --name example.com",
    ),
    "a private zone": (
        lambda site: _no_zone(site, private=True), {}, "DNS zone", "only a private one",
        "create-hosted-zone",
    ),
    "no certificate": (
        lambda site: site.client("acm").delete_certificate(CertificateArn=site.certificate), {},
        "certificate", "doesn't exist",
        "aws acm request-certificate --domain-name portal.example.com",
    ),
    "another host": (
        lambda site: None, {"host": "a.portal.example.com"}, "certificate",
        "it is for portal.example.com, not for a.portal.example.com", "aws acm request-certificate",
    ),
    "no image": (
        _other_image, {}, "image", "has no imageTag=v1",
        "pulumi config set --stack prod imageTag TAG",
    ),
    "another digest": (
        lambda site: None, {"imageDigest": "sha256:" + "1" * 64}, "image", "has no imageDigest",
        "pulumi config set --stack prod imageDigest DIGEST",
    ),
    "no repository": (
        lambda site: site.client("ecr").delete_repository(
            repositoryName="backstage-dev", force=True
        ),
        {}, "image", "no repository backstage-dev in us-east-1",
        "aws ecr create-repository --repository-name backstage-dev",
    ),
    "no secret": (
        lambda site: _delete_secret(site, force=True), {}, f"secret {SECRET}", f"no {SECRET}",
        "aws secretsmanager create-secret --name backstage/jira --secret-string file://",
    ),
    "a deleted secret": (
        lambda site: _delete_secret(site, force=False), {}, f"secret {SECRET}",
        "it is being deleted", "aws secretsmanager restore-secret",
    ),
    "no topic": (
        lambda site: site.client("sns").delete_topic(TopicArn=TOPIC), {}, "alarms",
        "doesn't exist", "aws sns create-topic --name oncall",
    ),
    "no key": (
        lambda site: None,
        {"kmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b2c3d-0000-4000-8000-5f6a7b8c9d0e"},
        "kmsKeyArn", "doesn't exist", "aws kms create-key",
    ),
    "a disabled key": (
        lambda site: site.client("kms").disable_key(KeyId=site.key.rpartition("/")[2]), {},
        "kmsKeyArn", "is Disabled", "aws kms enable-key --key-id",
    ),
    "no boundary": (
        lambda site: site.client("iam").delete_policy(PolicyArn=BOUNDARY), {},
        "permissionsBoundaryArn", "doesn't exist", "aws iam create-policy --policy-name boundary",
    ),
    "no bucket of documentation": (
        lambda site: site.client("s3").delete_bucket(Bucket="acme-documentation"), {},
        "techdocsBucket", "doesn't exist", "aws s3api create-bucket --bucket acme-documentation",
    ),
    "no bucket for logs": (
        lambda site: site.client("s3").delete_bucket(Bucket="acme-logs"), {},
        "accessLogsBucket", "doesn't exist", "aws s3api create-bucket --bucket acme-logs",
    ),
    "no web ACL": (
        lambda site: None,
        {"wafAclArn": f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/portal/0a1b2c3d"},
        "wafAclArn", "doesn't exist", "aws wafv2 create-web-acl --scope REGIONAL --name portal",
    ),
    "no parameter": (
        lambda site: site.client("ssm").delete_parameter(Name=PARAMETER), {},
        f"secret {PARAMETER}", "there is no parameter /backstage/token", "aws ssm put-parameter",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_one_broken_thing_is_one_line_and_its_command(name: str, site: Site) -> None:
    breaking, changes, check, text, fix = BROKEN[name]
    breaking(site)
    found = site.findings(check, **changes)
    [(broken, finding)] = [each for each in found.items() if each[1].state != "ok"]
    assert (broken, finding.state) == (check, "missing")
    assert text in finding.text
    assert fix in finding.fix


def test_auto_mode_brings_the_agent(site: Site) -> None:
    site.client("eks").delete_addon(clusterName="platform", addonName=AGENT)
    network = {"elasticLoadBalancing": {"enabled": True}}
    site.change_cluster(compute_config={"enabled": True}, kubernetes_network_config=network)
    found = site.findings("", **AUTO_MODE)
    assert found["EKS Auto Mode"].state == found["Pod Identity agent"].state == "ok"


def test_registries_other_than_ecr_are_not_asked(site: Site) -> None:
    found = site.findings("image", imageRepository="ghcr.io/acme/portal")["image"]
    assert (found.state, found.fix) == ("not checked", "")
