"""How `make doctor` asks AWS, and what it makes of refusals."""

from __future__ import annotations

import json

import pytest

from tests.settings.stack import IN_CLUSTER, loaded
from tests.tools.commands import Commands, commands
from tools.doctor.account import Account
from tools.doctor.aws import Aws, AwsError
from tools.findings import Finding, Unanswered, run

__all__ = ["commands"]

CALLER = {"Account": "123456789012", "Arn": "arn:aws:sts::123456789012:assumed-role/ci/x"}
CREDENTIALS = {"AccessKeyId": "AKIA1", "SecretAccessKey": "hunter2", "SessionToken": "token"}
DENIED = (
    "An error occurred (AccessDeniedException) when calling the DescribeCertificate operation: "
    "User: arn:aws:sts::1:assumed-role/ci/x is not authorized to perform: acm:DescribeCertificate"
)
UNSIGNED = "An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: "


def account(**changes: object) -> Account:
    settings = loaded(changes)[0]
    return Account("prod", settings, Aws(settings.aws))


def in_region(region: str) -> dict[str, object]:
    partition = "aws-cn" if region.startswith("cn") else "aws"
    arn = f"arn:{partition}:acm:{region}:123456789012:certificate/0a1b"
    return {"aws:region": region, "certificateArn": arn}


def certificate(status: str) -> str:
    return json.dumps({"Certificate": {"DomainName": "*.example.com", "Status": status}})


def test_calls_are_made_as_the_provider_makes_them(commands: Commands) -> None:
    commands.add("aws", f"echo '{json.dumps({'Credentials': CREDENTIALS, **CALLER})}'",
                 log="$AWS_ACCESS_KEY_ID $*")  # fmt: skip
    roles = [{"roleArn": f"arn:aws:iam::123456789012:role/{name}"} for name in ("a", "b")]
    roles[1]["externalId"] = "of-b"
    found = account(
        **{
            "aws:profile": "work",
            "aws:assumeRoles": roles,
            "aws:endpoints": [{"sts": "https://sts.test"}],
        }
    )
    assert found.identity() == Finding("ok", CALLER["Arn"])
    ends = "--region us-east-1 --output json"
    assume = "sts assume-role --role-arn arn:aws:iam::123456789012:role/"
    assert commands.log == [
        f"aws  {assume}a --role-session-name doctor {ends} --profile work --endpoint-url https://sts.test",
        f"aws AKIA1 {assume}b --role-session-name doctor --external-id of-b {ends} --endpoint-url https://sts.test",
        f"aws AKIA1 sts get-caller-identity {ends} --endpoint-url https://sts.test",
    ]  # fmt: skip


def test_commands_for_people_have_region_and_profile() -> None:
    aws = account(**{"aws:profile": "work"}).aws
    assert aws.command("eks", "list-clusters") == (
        "aws eks list-clusters --region us-east-1 --profile work"
    )


def test_a_refusal_names_the_right(commands: Commands) -> None:
    commands.fails("aws", DENIED)
    found = dict(run(account(imageRepository="ghcr.io/acme/portal").checks()))
    assert found["certificate"] == Finding(
        "not checked", "this identity has no right to acm:DescribeCertificate"
    )


def test_a_refusal_without_the_right_names_the_operation(commands: Commands) -> None:
    commands.fails(
        "aws", DENIED.partition("User:")[0].replace("AccessDeniedException", "AccessDenied")
    )
    with pytest.raises(AwsError, match="no right to acm:DescribeCertificate"):
        account().aws.ask("acm", "describe-certificate")


@pytest.mark.parametrize(
    ("profile", "fix"),
    [("work", "aws sso login --profile work"), (None, "aws configure")],
)
def test_nobody_is_logged_in(profile: str | None, fix: str, commands: Commands) -> None:
    commands.fails("aws", "Unable to locate credentials.")
    found = account(**{"aws:profile": profile}).identity()
    assert found.text == "this shell has no AWS credentials"
    assert found.fix.startswith(fix)


@pytest.mark.parametrize(
    ("region", "first"), [("me-central-1", "us-east-1"), ("cn-northwest-1", "cn-north-1")]
)
def test_a_region_that_is_not_enabled(region: str, first: str, commands: Commands) -> None:
    refused = f'echo "{UNSIGNED}" >&2; exit 254'
    commands.add("aws", f"case $* in *{first}*) echo '{json.dumps(CALLER)}';; *) {refused};; esac")
    found = account(**IN_CLUSTER, **in_region(region)).region()
    assert found.state == "missing"
    assert found.text.startswith(f"{region} doesn't answer, {first} does")
    assert found.fix == f"aws account enable-region --region-name {region}"


def test_credentials_that_no_region_takes_say_nothing_of_the_region(commands: Commands) -> None:
    commands.fails("aws", UNSIGNED)
    with pytest.raises(Unanswered, match="of the identity below"):
        account(**in_region("eu-west-1")).region()


@pytest.mark.parametrize(
    ("line", "text", "fix"),
    [
        (
            'Could not connect to the endpoint URL: "https://sts.us-east-1.amazonaws.com/"',
            "nothing answers at https://sts.us-east-1.amazonaws.com/",
            "connect this machine to the network\nexport HTTPS_PROXY=http://HOST:PORT",
        ),
        (
            'Connect timeout on endpoint URL: "https://sts.us-east-1.amazonaws.com/"',
            "nothing answers at https://sts.us-east-1.amazonaws.com/",
            "connect this machine to the network\nexport HTTPS_PROXY=http://HOST:PORT",
        ),
        (
            "The config profile (nope) could not be found",
            "AWS's configuration has no profile nope",
            "aws configure\nexport AWS_PROFILE=PROFILE",
        ),
        (
            "Error when retrieving token from sso: Token has expired and refresh failed",
            "the SSO session has expired",
            "aws configure\nexport AWS_PROFILE=PROFILE",
        ),
        (
            "An error occurred (ExpiredToken) when calling the GetCallerIdentity operation: The "
            "security token included in the request is expired",
            "the AWS credentials have expired",
            "aws configure\nexport AWS_PROFILE=PROFILE",
        ),
        (
            f"{UNSIGNED}The security token included in the request is invalid.",
            "The security token included in the request is invalid. (InvalidClientTokenId)",
            "aws configure\nexport AWS_PROFILE=PROFILE",
        ),
    ],
)
def test_what_the_cli_says_of_an_identity(
    line: str, text: str, fix: str, commands: Commands
) -> None:
    commands.fails("aws", line)
    assert account().identity() == Finding("missing", text, fix)


@pytest.mark.parametrize(
    ("status", "text", "fix"),
    [
        (
            "PENDING_VALIDATION",
            "it waits for its DNS records: create those that AWS lists",
            "aws acm describe-certificate --c",
        ),
        ("EXPIRED", "it is EXPIRED", "aws acm request-certificate --domain-name portal.example"),
    ],
)
def test_certificate_that_is_not_issued(
    status: str, text: str, fix: str, commands: Commands
) -> None:
    commands.prints("aws", certificate(status))
    found = dict(run(account(imageRepository="ghcr.io/acme/portal").checks()))["certificate"]
    assert (found.state, found.text) == ("missing", text)
    assert found.fix.startswith(fix)


@pytest.mark.parametrize(
    ("host", "state"), [("portal.example.com", "ok"), ("a.portal.example.com", "missing")]
)
def test_a_wildcard_covers_one_label(host: str, state: str, commands: Commands) -> None:
    commands.prints("aws", certificate("ISSUED"))
    assert dict(run(account(host=host).checks()))["certificate"].state == state


def test_a_parameter_of_another_account_is_not_listed(commands: Commands) -> None:
    commands.prints("aws", json.dumps(CALLER))
    arn = "arn:aws:ssm:us-east-1:210987654321:parameter/shared"
    found = account(
        secretsFrom=[{"parameter": arn, "as": "TOKEN"}], parameterStore={"name": "parameters"}
    )
    [check] = [each for each in found.checks() if each.name == "secret /shared"]
    assert dict(run([check]))[check.name] == Finding(
        "not checked", "it is of account 210987654321, which alone can list it"
    )
