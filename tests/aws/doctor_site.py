"""An account that has all that a stack on EKS needs, and what `make doctor` finds in it."""

from __future__ import annotations

import importlib.util
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.settings.stack import loaded
from tools.alb.aws import CREDENTIALS, moto_server
from tools.doctor.account import Account
from tools.doctor.addons import AGENT, CNI
from tools.doctor.aws import Aws
from tools.doctor.cluster import Cluster, describe
from tools.findings import Check, Finding, run, unchecked
from tools.preview.answers import ACCOUNT

if TYPE_CHECKING:
    from tests.aws.account import Account as Seeded

REGION = "us-east-1"
REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/backstage-dev"
CALLER = f"arn:aws:iam::{ACCOUNT}:role/path/deployer"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/ci"
SIGNED = f"AWS4-HMAC-SHA256 Credential=x/20260101/{REGION}/eks/aws4_request, SignedHeaders=host"
SECRET, PARAMETER = "backstage/jira", "/backstage/token"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:oncall"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
NOTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}],
}
ACL: dict[str, Any] = {
    "Name": "portal",
    "Scope": "REGIONAL",
    "DefaultAction": {"Allow": {}},
    "VisibilityConfig": {
        "SampledRequestsEnabled": False,
        "CloudWatchMetricsEnabled": False,
        "MetricName": "portal",
    },
}
CHANGES: dict[str, object] = {
    "aws:allowedAccountIds": [ACCOUNT],
    "imageRepository": REPOSITORY,
    "imageTag": "v1",
    "hostedZoneName": "example.com",
    "databaseMasterPassword": "managed",
    "loadBalancerController": "irsa",
    "secretsFrom": [
        {"secretsManager": SECRET, "keys": {"JIRA_TOKEN": "token"}},
        {"parameter": PARAMETER, "as": "TOKEN"},
    ],
    "alarms": TOPIC,
    "permissionsBoundaryArn": BOUNDARY,
    "techdocsBucket": "acme-documentation",
    "accessLogsBucket": "acme-logs",
    "secretStore": {"name": "aws"},
    "parameterStore": {"name": "parameters"},
}


@dataclass
class Site:
    """An account that has everything, and the clients that break it."""

    account: Seeded
    certificate: str = ""
    zone: str = ""
    key: str = ""
    acl: str = ""

    def client(self, service: str) -> Any:
        """A boto3 client."""
        return self.account.client(service, REGION)

    def subnets(self, public: bool) -> list[str]:
        """Subnets with one of the two tags."""
        tag = f"kubernetes.io/role/{'' if public else 'internal-'}elb"
        only = [{"Name": "tag-key", "Values": [tag]}]
        found = self.client("ec2").describe_subnets(Filters=only)["Subnets"]
        return [each["SubnetId"] for each in found]

    def change_cluster(self, **attributes: object) -> None:
        """Sets attributes of moto's cluster."""
        request = urllib.request.Request(
            f"{self.account.url}/clusters/platform/moto",
            json.dumps(attributes).encode(),
            {"Authorization": SIGNED, "Content-Type": "application/json"},
            method="PUT",
        )
        urllib.request.urlopen(request, timeout=10).close()

    def findings(self, only: str = "", **changes: object) -> dict[str, Finding]:
        """What the doctor finds in AWS, by check. only: a check; each call takes a second."""
        made = {
            "certificateArn": self.certificate,
            "kmsKeyArn": self.key,
            "wafAclArn": self.acl,
        }
        given = {**CHANGES, **made, **changes}
        settings = loaded(given)[0]
        aws = Aws(settings.aws)
        account = Account("prod", settings, aws)
        found, description = describe(aws, settings.cluster_name, "prod")
        cluster = Cluster(settings, aws, description, "prod", SESSION, "backstage-prod-deployer")
        policies = cluster.parts.policies_by_addon
        checks = [
            Check("identity", account.identity),
            *account.checks(),
            *(cluster.checks() if description else ()),
            Check("NetworkPolicies", lambda: policies() or unchecked("no add-on")),
        ]
        return {
            "cluster": found,
            **dict(run([each for each in checks if only in ("", each.name)])),
        }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if importlib.util.find_spec("moto") is None:
        pytest.skip("needs moto of requirements-aws.txt; run `make test-aws`")
    recording = str(tmp_path_factory.mktemp("moto") / "recording")
    environment = {"MOTO_ACM_VALIDATION_WAIT": "0", "MOTO_RECORDER_FILEPATH": recording}
    with moto_server("tests.aws.moto_eks", **environment) as url:
        yield url


@pytest.fixture
def site(server: str, monkeypatch: pytest.MonkeyPatch) -> Site:
    from tests.aws.account import Account as Seeded

    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": server}.items():
        monkeypatch.setenv(name, value)
    account = Seeded(server)
    account.empty()
    account.seed({"aws:region": REGION, "backstage:clusterName": "platform"}, "")
    made = Site(account)
    eks = made.client("eks")
    eks.create_addon(clusterName="platform", addonName=AGENT)
    values = json.dumps({"enableNetworkPolicy": "true"})
    eks.create_addon(clusterName="platform", addonName=CNI, configurationValues=values)
    eks.create_access_entry(clusterName="platform", principalArn=CALLER)
    made.client("ecr").create_repository(repositoryName="backstage-dev")
    _push(made, "v1")
    acm = made.client("acm")
    made.certificate = acm.request_certificate(DomainName="portal.example.com")["CertificateArn"]
    made.zone = made.client("route53").create_hosted_zone(Name="example.com", CallerReference="x")[
        "HostedZone"
    ]["Id"]
    made.client("secretsmanager").create_secret(Name=SECRET, SecretString="{}")
    made.client("sns").create_topic(Name="oncall")
    made.client("iam").create_policy(PolicyName="boundary", PolicyDocument=json.dumps(NOTHING))
    for bucket in ("acme-documentation", "acme-logs"):
        made.client("s3").create_bucket(Bucket=bucket)
    made.key = made.client("kms").create_key()["KeyMetadata"]["Arn"]
    made.acl = made.client("wafv2").create_web_acl(**ACL)["Summary"]["ARN"]
    ssm = made.client("ssm")
    ssm.put_parameter(Name=PARAMETER, Value="x", Type="SecureString")
    return made


def _push(site: Site, tag: str) -> None:
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "layers": []}
    site.client("ecr").put_image(
        repositoryName="backstage-dev", imageManifest=json.dumps(manifest), imageTag=tag
    )
