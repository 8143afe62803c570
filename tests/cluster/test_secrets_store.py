"""What the Secrets Store CSI driver makes of `secretsDriver: csi`, for pods of the csi stack file.

The driver, its registrar and AWS's provider run on this machine, whose kubelet is the node's; moto
is AWS. The tests share one stack for each kind of identity: each starts where the previous ended.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.secrets_store import pod_identity_agent, secrets_store, skip_without_driver
from tests.cluster.site import IMAGES, Rendered
from tests.programs import Program, changed
from tests.tokens import ASSOCIATION, ROLE_POLICY
from tools.alb.aws import moto_server
from tools.kubectl import Cluster, Manifest
from tools.preview.answers import ACCOUNT
from tools.preview.manifests import manifests

if TYPE_CHECKING:
    from tests.aws.account import Account
    from tests.aws.calls import Call

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("kubernetes")]

NAMESPACE = "backstage-csi"
IDENTITIES = ("pod-identity", "irsa")
SECRET, SESSION, PARAMETER = "backstage/jira", "backstage/prod/session", "/backstage/gitlab-token"
PINNED = "the second of three"
# A process of the portal's image that shows what the pod has, in place of the portal.
SHOW = """
const fs = require('fs');
const files = folder => Object.fromEntries(fs.readdirSync(folder)
  .filter(name => fs.statSync(`${folder}/${name}`).isFile())
  .map(name => [name, fs.readFileSync(`${folder}/${name}`, 'utf8')]));
const { JIRA_USER, JIRA_TOKEN, AUTH_SESSION_SECRET } = process.env;
console.log(JSON.stringify({
  env: { JIRA_USER, JIRA_TOKEN, AUTH_SESSION_SECRET },
  variables: files('/etc/backstage/secrets-store'), files: files('/etc/backstage/gitlab'),
}));
"""
WAIT = "setInterval(() => {}, 1e6)"


class Kept:
    """What security keeps in AWS."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.secrets, self.parameters = map(account.client, ("secretsmanager", "ssm"))
        self.jira = self.secrets.create_secret(Name=SECRET)["ARN"]
        self.secrets.create_secret(Name=SESSION, SecretString="of the sessions")
        for value in ("the first", PINNED, "the third"):
            self.parameters.put_parameter(
                Name=PARAMETER, Value=value, Type="SecureString", Overwrite=True
            )

    @staticmethod
    def jira_value(token: str) -> str:
        return json.dumps({"user": "bot", "access-token": {"value": token}, "unused": 1})

    def put(self, token: str) -> None:
        """A new version of the secret."""
        self.secrets.put_secret_value(SecretId=SECRET, SecretString=self.jira_value(token))

    @property
    def sources(self) -> list[dict[str, Any]]:
        """`secretsFrom`."""
        keys = {"JIRA_USER": "user", "JIRA_TOKEN": "access-token.value"}
        return [
            {"secretsManager": self.jira, "keys": keys},
            {"parameter": PARAMETER, "as": "gitlabSecrets.token", "version": 2},
            {"secretsManager": SESSION, "as": "AUTH_SESSION_SECRET"},
        ]


@pytest.fixture(scope="module")
def kept(kubernetes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    for module in ("boto3", "moto"):
        pytest.importorskip(module, reason="needs requirements-cluster.txt")
    skip_without_driver()
    from tests.aws.account import Account

    folder = tmp_path_factory.mktemp("csi")
    recorder = {"MOTO_RECORDER_FILEPATH": str(folder / "recording")}
    with moto_server(**recorder) as url, secrets_store(url, folder):
        yield Kept(Account(url))


@dataclass
class Site:
    """The stack on the cluster."""

    cluster: Cluster
    program: Program
    kept: Kept
    issued: list[str]
    """Roles whose credentials EKS's agent handed out."""
    calls: list[Call]
    """Of AWS's API, while the first pods started."""

    @property
    def associations(self) -> dict[tuple[str, str], str]:
        """Role by namespace and service account."""
        found = [each.inputs for each in self.program.all(ASSOCIATION)]
        return {(each["namespace"], each["serviceAccount"]): each["roleArn"] for each in found}

    def newest(self) -> Manifest:
        """The newest pod of the Deployment."""
        pods = self.cluster.get("pods", "--selector", "app=backstage")
        return max(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def shown(self) -> Any:
        """What `SHOW` prints in the newest pod."""
        pod = self.newest()["metadata"]["name"]
        return json.loads(self.cluster.run("exec", pod, "--", "node", "-e", SHOW))

    def copies(self) -> dict[str, str]:
        """Entries of the Secrets that the driver copies the classes into."""
        selector = "secrets-store.csi.k8s.io/managed=true"
        return {
            key: base64.b64decode(value).decode()
            for secret in self.cluster.get("secrets", "--selector", selector)
            for key, value in secret["data"].items()
        }

    def events(self) -> dict[str, str]:
        """Message by reason of the newest pod's events."""
        pod = self.newest()["metadata"]["name"]
        found = self.cluster.get("events", "--field-selector", f"involvedObject.name={pod}")
        return {each["reason"]: each["message"] for each in found}

    def restart(self) -> None:
        self.cluster.run("rollout", "restart", "deployment/backstage")

    def ready(self) -> None:
        self.cluster.run("rollout", "status", "deployment/backstage", "--timeout=120s")

    def allowed(self, call: Call) -> bool:
        """Whether the policy of each role of the pods allows the call, on every resource; the
        agent's own calls are.
        """
        asked = call.parameters
        if call.service == "sts":
            return True
        if call.service == "ssm":
            names = [each.partition(":")[0] for each in asked["Names"]]
            resources = [f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter{name}" for name in names]
        else:
            found = self.kept.secrets.describe_secret(SecretId=asked["SecretId"])
            resources = [found["ARN"]]
        policies = [json.loads(each.inputs["policy"]) for each in self.program.all(ROLE_POLICY)]
        return bool(policies) and all(
            any(
                f"{call.service}:{call.operation}" in statement["Action"]
                and any(fnmatchcase(resource, pattern) for pattern in statement["Resource"])
                for statement in policy["Statement"]
            )
            for policy in policies
            for resource in resources
        )


def showing(workload: Manifest, script: str) -> Manifest:
    """A workload whose pods run a script in place of the portal, and stop at once."""
    pod = workload["spec"]["template"]["spec"]
    [container] = pod["containers"]
    container |= {
        "args": ["node", "-e", script],
        "image": IMAGES[0],
        "imagePullPolicy": "IfNotPresent",
    }
    for probed in ("startupProbe", "livenessProbe", "readinessProbe", "lifecycle"):
        container.pop(probed, None)
    pod["terminationGracePeriodSeconds"] = 1
    return workload


@pytest.fixture(scope="module", params=IDENTITIES)
def site(request: pytest.FixtureRequest, kept: Kept) -> Iterator[Site]:
    namespace = f"{NAMESPACE}-{request.param}"
    program = changed(
        "csi",
        {
            "namespace": namespace,
            "workloadIdentity": request.param,
            "secretsFrom": kept.sources,
        },
        creates=True,
    )
    rendered = Rendered(list(manifests(program.recording)))
    rendered.fill("no-database")
    site = Site(Cluster(namespace), program, kept, [], [])
    site.cluster.delete_namespace()
    kept.put("first")
    with pod_identity_agent(kept.account.client("sts"), site.associations) as site.issued:
        with kept.account.recorded() as site.calls:
            site.cluster.apply(
                rendered.of("Namespace")
                + rendered.of("ServiceAccount", "ConfigMap", "Secret", "SecretProviderClass")
                + [
                    showing(rendered.one("Job", "backstage-migrations"), SHOW),
                    showing(rendered.one("Deployment"), WAIT),
                ]
            )
            site.cluster.wait_job("backstage-migrations", 120)
            site.ready()
        yield site
        # While the agent answers, so that no mount is under way.
        site.cluster.delete_namespace()


def test_pods_have_the_values_that_the_stack_file_names(site: Site) -> None:
    variables = {
        "JIRA_USER": "bot",
        "JIRA_TOKEN": "first",
        "AUTH_SESSION_SECRET": "of the sessions",
    }
    expected = {
        "env": variables,
        # The provider also writes the whole of a secret of which it takes properties.
        "variables": {**variables, "source-0": site.kept.jira_value("first")},
        "files": {"token": PINNED},
    }
    assert site.shown() == expected
    assert json.loads(site.cluster.run("logs", "job/backstage-migrations")) == expected
    assert site.copies() == {**variables, "token": PINNED}


def test_the_pods_roles_may_do_what_the_provider_does(site: Site) -> None:
    assert {each.operation for each in site.calls} >= {"GetSecretValue", "GetParameters"}
    assert [call for call in site.calls if not site.allowed(call)] == []
    assert set(site.issued) == set(site.associations.values())


def test_a_rotation_reaches_the_copy_and_new_pods(site: Site) -> None:
    with site.kept.account.recorded() as calls:
        site.kept.put("second")
        site.cluster.until(
            lambda: site.copies()["JIRA_TOKEN"] == "second", 60, "the copy has the new value"
        )
    looked = [each for each in calls if each.operation != "PutSecretValue"]
    assert "DescribeSecret" in {each.operation for each in looked}
    assert all(map(site.allowed, looked))
    # The pod that runs sees it in its files alone.
    assert site.shown()["variables"]["JIRA_TOKEN"] == "second"
    assert site.shown()["env"]["JIRA_TOKEN"] == "first"
    site.restart()
    site.ready()
    assert site.shown()["env"]["JIRA_TOKEN"] == "second"


def test_a_secret_that_is_gone_keeps_new_pods_from_starting(site: Site) -> None:
    kept, running = site.kept, site.newest()["metadata"]["name"]
    kept.secrets.delete_secret(SecretId=SESSION)
    try:
        site.restart()
        site.cluster.until(lambda: "FailedMount" in site.events(), 120, "an event says so")
        assert f"Failed fetching secret {SESSION}" in site.events()["FailedMount"]
        assert site.newest()["metadata"]["name"] != running
        # The pod that runs, and the copy, keep the value.
        assert site.copies()["AUTH_SESSION_SECRET"] == "of the sessions"
        site.cluster.run("exec", running, "--", "true")
    finally:
        kept.secrets.restore_secret(SecretId=SESSION)
    site.ready()


def test_a_property_that_is_no_text_isnt_read(site: Site) -> None:
    """Only the provider's log says which property it is."""
    site.kept.secrets.put_secret_value(SecretId=SECRET, SecretString='{"user": 1}')
    said = "Failed to fetch secret from all regions"
    site.cluster.until(
        lambda: said in site.events().get("MountRotationFailed", ""), 60, "an event says so"
    )
    assert site.copies()["JIRA_USER"] == "bot"
