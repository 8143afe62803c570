"""A stack file's life on the real engine and the real AWS provider, with moto as AWS."""

from __future__ import annotations

import functools
import operator
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.aws.account import Account
from tests.aws.calls import Call
from tests.engine.cli import Engine, Run, Step
from tests.engine.doubles import World
from tests.programs import ROOT, STACK_FILES
from tools.alb.aws import CREDENTIALS
from tools.preview.stack_file import is_encrypted

PLUGINS = Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi")) / "plugins"
# A directory for the recorded calls, a file of JSON lines for each stack.
CALLS = "AWS_CALLS"
LIMIT = 900  # seconds of a CLI command; the provider polls RDS every 30


class Life:
    """A stack in an account of its own, as the phases so far have left it.

    world: operations of the doubles. debug_providers: value of PULUMI_DEBUG_PROVIDERS.
    """

    def __init__(
        self, name: str, directory: Path, account: Account, world: World, debug_providers: str
    ) -> None:
        self.name, self.account, self.world = name, account, world
        self.calls: dict[str, list[Call]] = {}
        """Every call of the provider by phase."""
        self.steps: list[Step] = []
        """Every step of the engine."""
        self.deployed = False
        """Whether the first update succeeded."""
        text = STACK_FILES[name].read_text(encoding="utf-8")
        self.values: dict[str, Any] = yaml.safe_load(text)["config"]
        """The stack file's configuration."""
        self.region: str = self.values["aws:region"]
        account.empty()
        text = account.seed(self.values, text)
        self.before = account.names(self.region)
        self.engine = Engine(directory, debug_providers, LIMIT)
        self.engine.environment |= self._environment(directory)
        (self.engine.directory / "tests").symlink_to(ROOT / "tests")
        self._initialize(text)

    def _environment(self, directory: Path) -> dict[str, str]:
        profile = self.values.get("aws:profile", "default")
        profiles = directory / "aws-credentials"
        key, secret = CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
        profiles.write_text(
            f"[{profile}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
        )
        home = directory / "home"
        home.mkdir()
        (home / "plugins").symlink_to(PLUGINS)
        return {
            **CREDENTIALS,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": str(profiles),
            "AWS_ENDPOINT_URL": self.account.url,
            "PULUMI_ERROR_OUTPUT_STRING": "true",
        }

    def _initialize(self, text: str) -> None:
        content = yaml.safe_load(text)
        config = content["config"]
        config["aws:s3UsePathStyle"] = "true"
        encrypted = list(_encrypted(config, ()))
        for *parents, key in encrypted:
            del functools.reduce(operator.getitem, parents, config)[key]
        file = self.engine.directory / f"Pulumi.{self.name}.yaml"
        file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        self.engine.new_stack(self.name)
        for path in encrypted:
            key = ".".join(path).removeprefix("backstage:")
            set_secret = ("config", "set", "--stack", self.name, "--path", "--secret", key)
            self.engine.command(*set_secret, typed=_private_key())

    def value(self, key: str, default: Any = None) -> Any:
        """A key of the stack file."""
        return self.values.get(f"backstage:{key}", default)

    @property
    def has_aurora(self) -> bool:
        """Whether the database is Aurora."""
        return bool(self.value("database", "aurora") == "aurora")

    @property
    def protected(self) -> bool:
        """Whether the stack file protects the database."""
        return self.has_aurora and bool(self.value("databaseDeletionProtection", True))

    def operate(self, phase: str, operation: str, *arguments: str, check: bool = True) -> Run:
        """Runs an operation and keeps the provider's calls under `phase`."""
        with self.account.recorded() as calls:
            run = self.engine.operate(operation, self.name, *arguments, check=check)
        self.calls.setdefault(phase, []).extend(calls)
        self.steps += run.steps
        if directory := os.environ.get(CALLS):
            Path(directory).mkdir(parents=True, exist_ok=True)
            with (Path(directory) / f"{self.name}.jsonl").open("a", encoding="utf-8") as file:
                file.writelines(call.line(self.name, phase) + "\n" for call in calls)
        return run

    def change(self, phase: str, keys: Mapping[str, str | None], check: bool = True) -> Run:
        """Sets configuration keys by path, or removes those that are None, and updates."""
        for key, value in keys.items():
            if value is None:
                self.engine.command("config", "rm", "--stack", self.name, "--path", key)
            else:
                self.engine.set(self.name, key, value, "--path")
        return self.operate(phase, "up", "--skip-preview", check=check)

    def settled(self, phase: str) -> bool:
        """Whether a preview finds nothing to do."""
        return set(self.operate(phase, "preview", "--diff").changes) == {"same"}

    def sent(self, phase: str, operation: str) -> list[dict[str, Any]]:
        """Parameters of a phase's calls of an operation."""
        return [call.parameters for call in self.calls[phase] if call.operation == operation]

    def client(self, service: str) -> Any:
        """A boto3 client for the stack's region."""
        return self.account.client(service, self.region)

    def cluster(self) -> dict[str, Any]:
        """The stack's database cluster as AWS describes it."""
        (cluster,) = self.client("rds").describe_db_clusters()["DBClusters"]
        found: dict[str, Any] = cluster
        return found

    def instances(self) -> list[dict[str, Any]]:
        """Its instances."""
        found: list[dict[str, Any]] = self.client("rds").describe_db_instances()["DBInstances"]
        return found


FOLLOWING = ("aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/dashboard:Dashboard")


def aws_steps(run: Run) -> dict[str, set[str]]:
    """Logical names of the AWS resources that a run changed, by operation.

    Without alarms and the dashboard, which follow what they watch.
    """
    found: dict[str, set[str]] = {}
    for step in run.steps:
        if step.type.startswith("aws:") and step.type not in FOLLOWING:
            found.setdefault(step.operation, set()).add(step.name)
    return found


def _encrypted(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Paths of the encrypted values: nobody has the key, so the test sets others."""
    if is_encrypted(value):
        yield path
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _encrypted(each, (*path, key))


def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()
