"""The image, a database and a running portal, shared by the end-to-end tests."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from components.database.database import IAM_LOGIN_NAME, ROLE_NAME
from components.portal.portal import CA_FILE
from components.portal.portal_pod import CA_DIRECTORY
from tests.e2e import issuer
from tests.programs import ROOT, STACK_FILES, previewed
from tools.container import engine
from tools.container.edge import GitHub
from tools.container.portal import PodSpec, PortalContainer
from tools.container.postgres import HOST, USER, Postgres, binaries

NETWORK = "backstage-e2e"
TOKEN = secrets.token_hex(16)
HOSTS = (HOST, issuer.HOST)  # names of this machine
# In every file that must not reach an image.
CANARY = "canary-of-the-build-context"
PLANTED = (
    ".env",
    "packages/backend/.env.production",
    "app-config.local.yaml",
    "github-app-credentials.yaml",
    "packages/app/tls.key",
    ".git/config",
)
GITHUB = """
  backstage:signIn: [github]
  backstage:env: {AUTH_GITHUB_CLIENT_ID: e2e}
  backstage:secretEnv: {AUTH_GITHUB_CLIENT_SECRET: given by the test}
"""
ORGANIZATION = """\
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: alice}
spec: {memberOf: [platform], profile: {displayName: Alice, email: alice@example.com}}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: bob}
spec: {memberOf: []}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: tina}
spec: {memberOf: [template-users]}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ada}
spec: {memberOf: [administrators]}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: template-users}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: administrators}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: platform}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: checkout, description: Takes the money}
spec: {type: service, lifecycle: production, owner: platform}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: ledger, annotations: {backstage.io/kubernetes-namespace: shop}}
spec: {type: database, owner: platform}
---
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: greet}
spec:
  type: service
  owner: platform
  parameters: [{title: Who, properties: {name: {type: string}}}]
  steps: [{id: log, action: "debug:log", input: {message: Hello}}]
---
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: broken}
spec:
  type: service
  owner: platform
  parameters: [{title: Who, properties: {name: {type: string}}}]
  steps: [{id: missing, action: "no:such-action"}]
"""


@pytest.fixture(scope="session", autouse=True)
def _lab() -> None:
    try:
        engine.client()
    except engine.EngineMissing as error:
        pytest.skip(f"needs {engine.NEEDS}: {error}")
    if binaries() is None:
        pytest.skip("needs PostgreSQL's server binaries: install them, or set PG_BIN")


Build = Callable[[str], str]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds a target as the program does, from a context that also holds secrets."""
    program = previewed("dev").inputs("docker:index/image:Image")["build"]
    context = tmp_path_factory.mktemp("context") / "portal"
    shutil.copytree(
        ROOT / program["context"], context, ignore=shutil.ignore_patterns("node_modules", "dist*")
    )
    for planted in PLANTED:
        (context / planted).parent.mkdir(exist_ok=True)
        (context / planted).write_text(CANARY, encoding="utf-8")

    def build(target: str) -> str:
        tag = f"backstage-e2e:{target}"
        dockerfile = ROOT / program["dockerfile"]
        engine.build(tag, context, dockerfile, program["args"], ["--target", target])
        return tag

    return build


@pytest.fixture(scope="session")
def image(build: Build) -> str:
    """The image that the program builds."""
    return build(previewed("dev").inputs("docker:index/image:Image")["build"]["target"])


@dataclass(frozen=True)
class Site:
    """A portal's surroundings."""

    network: str
    address: str
    """This machine's, as containers reach it."""
    database: Postgres
    github: GitHub


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """A network, a database with TLS and a GitHub stand-in."""
    with engine.network(NETWORK) as address, GitHub().serve(address) as github:
        database = Postgres(address)
        try:
            yield Site(NETWORK, address, database, github)
        finally:
            database.stop()


Preview = Callable[[str], Path]


@pytest.fixture(scope="session")
def preview(tmp_path_factory: pytest.TempPathFactory) -> Preview:
    """Previews the prod stack with further configuration; returns the folder of manifests."""

    def preview(keys: str) -> Path:
        folder = tmp_path_factory.mktemp("preview")
        stack = folder / "Pulumi.prod.yaml"
        stack.write_text(STACK_FILES["prod"].read_text("utf-8") + keys, encoding="utf-8")
        command = ["-m", "tools.preview", "prod", "--config-file", str(stack), "--out", str(folder)]
        subprocess.run([sys.executable, *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return folder / "manifests"

    return preview


@dataclass(frozen=True)
class Pods:
    """The prod stack's rendered pods, with values that the offline preview can't know."""

    portal: PodSpec
    migrations: PodSpec
    role: PodSpec
    removal: PodSpec | None
    """Ends the password, where the portal uses tokens."""


@pytest.fixture(scope="session")
def pods(site: Site, preview: Preview) -> Pods:
    """Signs in with GitHub. Adds what a user sets in secretEnv and env: a token for machines, the
    location of users, a title.
    """
    return pods_of(site, preview(GITHUB), secrets.token_hex(16))


def pods_of(site: Site, manifests: Path, password: str | None) -> Pods:
    """`pods`, of any manifests of prod. password: the role's; None: the portal uses tokens."""
    login = {"ROLE_PASSWORD": password} if password else {"IAM_LOGIN_NAME": IAM_LOGIN_NAME}
    administrator = {
        "PGHOST": HOST, "PGUSER": USER, "PGPASSWORD": site.database.password,
        "ROLE_NAME": ROLE_NAME, **login,
    }  # fmt: skip
    given = {
        "POSTGRES_HOST": HOST, "POSTGRES_USER": ROLE_NAME if password else IAM_LOGIN_NAME,
        "AUTH_SESSION_SECRET": secrets.token_hex(24),
        "AUTH_GITHUB_CLIENT_SECRET": secrets.token_hex(16),
        **({"POSTGRES_PASSWORD": password} if password else {}),
    }  # fmt: skip
    port = str(site.database.port)
    number = {} if password else {"APP_CONFIG_backend_database_connection_port": port}
    access = [{"type": "static", "options": {"token": TOKEN, "subject": "e2e"}}]
    kinds = ["User", "Group", "Component", "Resource", "Template"]
    people = {"type": "file", "target": "/etc/backstage/people/people.yaml",
              "rules": [{"allow": kinds}]}  # fmt: skip
    added = {
        "POSTGRES_PORT": port,
        **number,
        "APP_CONFIG_auth_providers_github_production_enterpriseInstanceUrl": site.github.url,
        "APP_CONFIG_app_title": "Acme Portal",
        "APP_CONFIG_organization_name": "Acme",
        "APP_CONFIG_backend_auth_externalAccess": json.dumps(access),
        "APP_CONFIG_catalog_locations": json.dumps([people]),
    }
    return Pods(
        portal=pod_of(site, manifests, "Deployment", "backstage", given, added),
        migrations=pod_of(site, manifests, "Job", "backstage-migrations", given, added),
        role=pod_of(
            site, manifests, "Job", "backstage-database-role", administrator, {"PGPORT": port}
        ),
        removal=None
        if password
        else pod_of(
            site, manifests, "Job", "backstage-password-removal", administrator, {"PGPORT": port}
        ),
    )


def pod_of(
    site: Site,
    manifests: Path,
    kind: str,
    name: str,
    given: Mapping[str, str],
    added: Mapping[str, str],
) -> PodSpec:
    """A rendered pod with `given` in place of what is unknown before an update, and `added`."""
    pod = PodSpec.read(manifests, kind, name)
    placeholders = {key for key, value in pod.environment.items() if "__SECRET:" in value}
    assert placeholders == set(given), "the manifests hold an unexpected placeholder"
    roots = {CA_DIRECTORY: {CA_FILE: site.database.ca_certificate}}
    people = {"/etc/backstage/people": {"people.yaml": ORGANIZATION}}
    return replace(
        pod,
        environment={**pod.environment, **given, **added},
        files={**pod.files, **roots, **people},
    )


@pytest.fixture(scope="session")
def pod(pods: Pods) -> PodSpec:
    """The pod that serves."""
    return pods.portal


Start = Callable[..., PortalContainer]


@pytest.fixture(scope="session")
def containers(image: str, site: Site) -> Iterator[Start]:
    """Starts a named container like a pod with some variables changed; removes it at the end.

    The image is the portal's unless given.
    """
    started: list[PortalContainer] = []
    portal = image

    def start(
        name: str,
        pod: PodSpec,
        environment: Mapping[str, str] | None = None,
        image: str = portal,
    ) -> PortalContainer:
        changed = replace(pod, environment={**pod.environment, **(environment or {})})
        container = PortalContainer(
            f"backstage-e2e-{name}",
            image,
            changed,
            site.network,
            dict.fromkeys(HOSTS, site.address),
        )
        started.append(container)
        return container

    yield start
    for container in started:
        container.remove()


@pytest.fixture(scope="session")
def start(containers: Start) -> Start:
    """`containers`; a module overrides it to test another image."""
    return containers


@pytest.fixture(scope="session")
def migrated(containers: Start, pods: Pods) -> list[str]:
    """Runs both Jobs as an update does. Returns their logs."""
    logs = []
    for name, job in (("role", pods.role), ("migrations", pods.migrations)):
        container = containers(name, job)
        code = container.wait_ended(180)
        logs.append(container.logs())
        assert code == 0, logs[-1]
    return logs


@pytest.fixture(scope="session")
def portal(start: Start, pod: PodSpec, migrated: list[str]) -> PortalContainer:
    """A ready portal; `ready_after` is its start in seconds."""
    container = start("portal", pod)
    container.wait_ready()
    return container


@pytest.fixture(scope="session")
def results() -> Path:
    """The directory for screenshots and figures."""
    directory = ROOT / "build" / "e2e"
    directory.mkdir(parents=True, exist_ok=True)
    return directory
