"""What smoke.js should find, from a stack's settings and outputs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic.alias_generators import to_camel

from components.cluster.port_forward import port_forward
from components.kubernetes.health import READINESS
from components.portal.portal import CA_FILE, SERVICE_NAME
from components.portal.portal_pod import CA_DIRECTORY
from settings.model import Settings
from settings.open_paths import open_paths
from settings.problem import with_fixes
from tools.local import engine

CATALOG = "/api/catalog"
KNOWN_NAME = "sts.amazonaws.com"  # resolves wherever a resolver answers
TOKEN_KEY = "secretEnv.APP_CONFIG_backend_auth_externalAccess"  # noqa: S105


class SmokeError(Exception):
    """Nothing can be asked; the text says why, and what to do."""


@dataclass(frozen=True)
class Expected:
    """Fields are those that smoke.js documents, and the commands that fix what it finds."""

    url: str
    public_url: str
    http_url: str
    issuer: str
    providers: list[str]
    catalog_by_token: bool
    database_port: int | None
    database_ca: str
    database_unchecked: str
    readiness_path: str
    listening_command: str
    logs_command: str
    up_command: str
    certificate_command: str
    record_command: str
    token_command: str
    known_name: str = KNOWN_NAME

    @property
    def port(self) -> int:
        """Where the portal is asked."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    def text(self) -> str:
        """As the variable SMOKE."""
        return json.dumps({to_camel(name): value for name, value in asdict(self).items()})


def outputs(stack: str, root: Path) -> Mapping[str, str]:
    """The stack's outputs, url among them; empty without a Pulumi CLI. Raises SmokeError."""
    pulumi = engine()
    if pulumi is None:
        return {}
    done = subprocess.run(  # noqa: S603
        [pulumi, "stack", "output", "--json", "--stack", stack],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = "".join(done.stderr.strip().splitlines()[-1:]).removeprefix("error: ")
        ways = ("pulumi login BACKEND", f"make smoke STACK={stack} URL=https://HOST")
        raise SmokeError(with_fixes(reason, *ways))
    found: dict[str, str] = json.loads(done.stdout)
    if "url" not in found:
        said = f"stack {stack} has no output url"
        raise SmokeError(with_fixes(said, f"pulumi up --stack {stack}"))
    return found


def expected(settings: Settings, stack: str, url: str, asked: str = "") -> Expected:
    """url: the portal's. asked: where it is asked instead, such as its Service."""
    ingress = settings.ingress
    issuer = _issuer(settings)
    named = [each for each in settings.access.providers if each not in ("guest", "alb")]
    database = _database_port(settings)
    logs = f"kubectl logs --namespace {settings.namespace} deployment/backstage --since 10m"
    up = f"pulumi up --stack {stack}"
    listening = f"kubectl describe ingress --namespace {settings.namespace} backstage"
    if settings.target == "local" and not ingress.given_class_name:
        context, namespace = settings.kube_context, settings.namespace
        listening = port_forward(context, namespace, SERVICE_NAME, settings.port)
    elif ingress.scheme == "internal" and settings.target == "eks" and not asked:
        listening += f"\nmake smoke STACK={stack} IN_CLUSTER=1"
    arn = ingress.certificate_arn
    describe = f"aws acm describe-certificate --certificate-arn {arn}" if arn else up
    # Neither changes anything: that it is the record that is missing is a guess.
    record = f"pulumi preview --stack {stack} --refresh" if ingress.hosted_zone_name else (
        f"pulumi stack output --stack {stack} loadBalancerHostname"
    )  # fmt: skip
    return Expected(
        url=asked or url,
        public_url=url,
        http_url=f"http://{urlsplit(url).hostname}/",
        issuer=issuer,
        providers=[] if issuer else named,
        catalog_by_token=any(CATALOG.startswith(each) for each in open_paths(settings)),
        database_port=database,
        database_ca=f"{CA_DIRECTORY}/{CA_FILE}",
        database_unchecked="the database in the cluster speaks no TLS",
        readiness_path=READINESS,
        listening_command=listening,
        logs_command=logs,
        up_command=up,
        certificate_command=describe,
        record_command=record,
        token_command=f"pulumi config set --stack {stack} --path --secret {TOKEN_KEY}",
    )


def _database_port(settings: Settings) -> int | None:
    return None if settings.database_kind == "in-cluster" else settings.database.port


def _issuer(settings: Settings) -> str:
    """Host to which the load balancer sends whoever isn't signed in; empty if it sends nobody."""
    ingress = settings.ingress
    if ingress.authentication == "oidc" and ingress.oidc:
        return urlsplit(ingress.oidc.authorization_endpoint).netloc
    if ingress.authentication == "cognito" and ingress.cognito:
        return ingress.cognito.host
    return ""
