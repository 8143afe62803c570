"""What the stack's pods take secrets from, in AWS. No value is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from settings.model import Settings
from tools.doctor.aws import Aws, AwsError
from tools.findings import Check, Finding, Unanswered, missing, ok


@dataclass(frozen=True)
class SecretSources:
    """Secrets of Secrets Manager and SSM parameters."""

    settings: Settings
    aws: Aws

    def checks(self) -> Iterator[Check]:
        """One for each that the stack's keys name."""
        s = self.settings
        if s.database.administrator_secret_arn:
            arn = s.database.administrator_secret_arn
            yield Check("administrator's secret", partial(self._secret, arn))
        for source in s.secrets.sources:
            find = self._secret if source.secrets_manager else self._parameter
            name = source.name.rpartition("secret:" if source.secrets_manager else "parameter")[2]
            yield Check(f"secret {name}", partial(find, source.name))

    def _secret(self, name: str) -> Finding:
        region = name.split(":")[3] if name.startswith("arn:") else ""
        create = ("secretsmanager", "create-secret", "--name", name, "--secret-string")
        try:
            found = self.aws.ask(
                "secretsmanager", "describe-secret", "--secret-id", name, region=region
            )
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            return missing(
                f"Secrets Manager has no {name}",
                self.aws.command(*create, "file://SECRET.json", region=region),
            )
        if "DeletedDate" in found:
            restore = ("secretsmanager", "restore-secret", "--secret-id", name)
            return missing("it is being deleted", self.aws.command(*restore, region=region))
        return ok("it exists; its value wasn't read")

    def _parameter(self, name: str) -> Finding:
        region, path = "", name
        if name.startswith("arn:"):
            region, account = name.split(":")[3:5]
            path = name.partition(":parameter")[2]
            if account != self.aws.caller()["Account"]:
                raise Unanswered(f"it is of account {account}, which alone can list it")
        named = f"Key=Name,Values={path}"
        words = ("describe-parameters", "--parameter-filters", named)
        if self.aws.ask("ssm", *words, region=region)["Parameters"]:
            return ok("it exists; its value wasn't read")
        create = ("ssm", "put-parameter", "--type", "SecureString", "--name", path)
        return missing(
            f"there is no parameter {path}",
            self.aws.command(*create, "--value", "file://SECRET", region=region),
        )
