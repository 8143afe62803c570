"""AWS's API through the AWS CLI, as the identity that deploys the stack."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from settings.keys import AwsSettings
from settings.values.aws import AssumeRole
from tools import install
from tools.findings import Unanswered

_ERROR = re.compile(r"An error occurred \((?P<code>\w+)\) when calling the (?P<operation>\w+) ")
_ACTION = re.compile(r"not authorized to perform: (?P<action>[\w-]+:\w+)")
_DENIED = {
    *("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"),
    "403",
}
_UNREACHABLE = re.compile(r"(?:connect|timeout|closed)\b.*URL: \"(?P<url>[^\"]+)", re.I)
_NO_IDENTITY = (
    (r"Unable to locate credentials", "this shell has no AWS credentials"),
    (r"The config profile \((.+)\) could not be found", r"AWS's configuration has no profile \1"),
    (r"SSO session .*expired|SSO Token|Token has expired", "the SSO session has expired"),
    (r"\((?:ExpiredToken|RequestExpired)\w*\)", "the AWS credentials have expired"),
)
_SAID = (
    (_UNREACHABLE, r"nothing answers at \g<url>"),
    *_NO_IDENTITY,
    (r"An error occurred \((\w+)\) when calling .* operation[^:]*: (.+)", r"\2 (\1)"),
)
_SECONDS = 60  # of one call, with the CLI's own retries


class AwsError(Unanswered):
    """A call that AWS refused, or that never reached it."""

    def __init__(self, service: str, text: str, profile: str | None = None) -> None:
        found, line = _ERROR.search(text), _last_line(text)
        self.code = found["code"] if found else ""
        """Of AWS's error; empty if AWS didn't answer."""
        self.denied = self.code in _DENIED
        ways: tuple[str, ...] = ()
        if _UNREACHABLE.search(text):
            ways = ("connect this machine to the network", "export HTTPS_PROXY=http://HOST:PORT")
        elif any(re.search(pattern, line) for pattern, _ in _NO_IDENTITY):
            ways = login(profile)
        if self.denied and found:
            named = _ACTION.search(text)
            action = (
                named["action"] if named else f"{service.removesuffix('api')}:{found['operation']}"
            )
            super().__init__(f"this identity has no right to {action}")
        else:
            super().__init__(_said(line), *ways)


def login(profile: str | None) -> tuple[str, ...]:
    """Ways to an identity. profile: the stack's, if it names one."""
    if profile:
        return (f"aws sso login --profile {profile}", f"aws configure --profile {profile}")
    return ("aws configure", "export AWS_PROFILE=PROFILE")


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "the AWS CLI said nothing"


def _said(line: str) -> str:
    """The CLI's last line, in this tool's words where botocore advises what a fix says."""
    for pattern, words in _SAID:
        if found := re.search(pattern, line):
            return found.expand(words)
    return line


class Aws:
    """Asks as the AWS provider does: region, profile, endpoints and roles of the stack."""

    def __init__(self, settings: AwsSettings) -> None:
        self.region = settings.region
        self._profile = settings.profile
        self._endpoints = {name: url for each in settings.endpoints for name, url in each.items()}
        self._roles = settings.assume_roles
        self._credentials: dict[str, str] | None = None

    def ask(self, service: str, *words: str, region: str = "") -> Any:
        """The answer to a call. region: instead of the stack's. Raises AwsError, or Unanswered
        without the AWS CLI.
        """
        if self._credentials is None:
            self._credentials = {}
            for role in self._roles:
                self._credentials = self._assumed(role)
        return self._call(service, words, region, self._credentials)

    def caller(self) -> dict[str, str]:
        """Who asks, as STS says. Raises AwsError."""
        found: dict[str, str] = self.ask("sts", "get-caller-identity")
        return found

    def command(self, *words: str, region: str = "") -> str:
        """A command of the AWS CLI for a person, with the stack's region and profile."""
        profile = ["--profile", self._profile] if self._profile else []
        return shlex.join(["aws", *words, "--region", region or self.region, *profile])

    def _assumed(self, role: AssumeRole) -> dict[str, str]:
        options = ["--role-session-name", role.session_name or "doctor"]
        if role.external_id:
            options += ["--external-id", role.external_id]
        words = ("assume-role", "--role-arn", role.role_arn, *options)
        found = self._call("sts", words, "", self._credentials or {})["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
            "AWS_SESSION_TOKEN": found["SessionToken"],
        }

    def _call(
        self, service: str, words: tuple[str, ...], region: str, credentials: Mapping[str, str]
    ) -> Any:
        options = ["--region", region or self.region, "--output", "json"]
        if self._profile and not credentials:  # it would win over them
            options += ["--profile", self._profile]
        if endpoint := self._endpoints.get(service.removesuffix("api")):
            options += ["--endpoint-url", endpoint]
        aws = shutil.which("aws")
        if aws is None:
            raise Unanswered("there is no aws on PATH", *install.AWS_CLI)
        try:
            done = subprocess.run(  # noqa: S603
                [aws, service, *words, *options],
                env={**os.environ, "AWS_PAGER": "", **credentials},
                capture_output=True,
                text=True,
                check=False,
                timeout=_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise AwsError(service, f"AWS didn't answer within {_SECONDS} s") from None
        if done.returncode:
            raise AwsError(service, done.stderr, self._profile)
        return json.loads(done.stdout or "{}")
