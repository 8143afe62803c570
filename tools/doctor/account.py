"""What the AWS account needs, apart from the cluster: zone, certificate, image, secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from settings.model import Settings
from tools.doctor import named
from tools.doctor.aws import Aws, AwsError, login
from tools.doctor.secret_sources import SecretSources
from tools.findings import Check, Finding, Unanswered, missing, ok

_ECR = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([^:@]+)")
# A region that answers every account, to tell one that isn't enabled from refused credentials.
_FIRST_REGIONS = {"cn": "cn-north-1", "us-gov": "us-gov-west-1"}


@dataclass(frozen=True)
class Account:
    """The stack's account. stack: its name, for commands."""

    stack: str
    settings: Settings
    aws: Aws

    def set(self, key: str, value: str) -> str:
        """The command that sets a key."""
        return f"pulumi config set --stack {self.stack} {key} {value}"

    def checks(self) -> Iterator[Check]:
        """Those that the stack's keys need."""
        s = self.settings
        if s.ingress.hosted_zone_name:
            yield Check("DNS zone", self._zone)
        if s.ingress.certificate_arn:
            yield Check("certificate", self._certificate)
        if s.image.repository:
            yield Check("image", self._image)
        yield from named.checks(s, self.aws)
        yield from SecretSources(s, self.aws).checks()

    def region(self) -> Finding:
        """Whether the stack's region answers."""
        try:
            self.aws.caller()
        except AwsError as error:
            family = re.match(r"cn|us-gov", self.aws.region)
            first = _FIRST_REGIONS.get(family.group() if family else "", "us-east-1")
            try:
                if first == self.aws.region:
                    raise
                self.aws.ask("sts", "get-caller-identity", region=first)
            except AwsError:  # which says the same of the identity
                raise Unanswered("of the identity below") from None
            return missing(
                f"{self.aws.region} doesn't answer, {first} does: it isn't enabled ({error})",
                f"aws account enable-region --region-name {self.aws.region}",
            )
        return ok(self.aws.region)

    def identity(self) -> Finding:
        """Whether the identity belongs to an account that the stack may touch."""
        try:
            caller = self.aws.caller()
        except AwsError as error:
            return missing(str(error), *(error.ways or login(self.settings.aws.profile)))
        allowed = self.settings.aws.allowed_account_ids
        if allowed and caller["Account"] not in allowed:
            return missing(
                f"{caller['Arn']} is of account {caller['Account']}; aws:allowedAccountIds has "
                f"{', '.join(allowed)}",
                "export AWS_PROFILE=PROFILE",
                self.set("aws:profile", "PROFILE"),
            )
        return ok(caller["Arn"])

    def _zone(self) -> Finding:
        name = self.settings.ingress.hosted_zone_name
        zones = self.aws.ask("route53", "list-hosted-zones")["HostedZones"]
        of_the_name = [each for each in zones if each["Name"] == f"{name}."]
        if any(not each["Config"].get("PrivateZone") for each in of_the_name):
            return ok(f"{name}")
        create = self.aws.command(
            *("route53", "create-hosted-zone", "--name", str(name)),
            *("--caller-reference", self.stack),
        )
        found = "only a private one" if of_the_name else "none"
        return missing(f"there is {found} named {name}; delegate a new one", create)

    def _certificate(self) -> Finding:
        host, arn = self.settings.host, str(self.settings.ingress.certificate_arn)
        request = self.aws.command(
            *("acm", "request-certificate", "--domain-name", host),
            *("--validation-method", "DNS"),
        )
        another = f"{request} && {self.set('certificateArn', 'ARN')}"
        try:
            found = self.aws.ask("acm", "describe-certificate", "--certificate-arn", arn)
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            return missing(f"{arn} doesn't exist", another)
        certificate = found["Certificate"]
        names = {certificate["DomainName"], *certificate.get("SubjectAlternativeNames", [])}
        if host not in names and f"*.{host.partition('.')[2]}" not in names:
            return missing(f"it is for {', '.join(sorted(names))}, not for {host}", another)
        if certificate["Status"] == "PENDING_VALIDATION":
            records = self.aws.command(
                *("acm", "describe-certificate", "--certificate-arn", arn),
                *("--query", "Certificate.DomainValidationOptions[].ResourceRecord"),
            )
            return missing("it waits for its DNS records: create those that AWS lists", records)
        if certificate["Status"] != "ISSUED":
            return missing(f"it is {certificate['Status']}", another)
        return ok(f"issued for {', '.join(sorted(names))}")

    def _image(self) -> Finding:
        image = self.settings.image
        ecr = _ECR.fullmatch(str(image.repository))
        if ecr is None:
            raise Unanswered(f"{image.repository} isn't in ECR: only nodes know if they can pull")
        account, region, name = ecr.groups()
        repository = ("--registry-id", account, "--repository-name", name)
        if image.app:
            return self._repository(account, region, name)
        which = f"imageDigest={image.digest}" if image.digest else f"imageTag={image.tag}"
        words = ("describe-images", *repository, "--image-ids", which)
        try:
            self.aws.ask("ecr", *words, region=region)
        except AwsError as error:
            if error.code == "RepositoryNotFoundException":
                return self._repository(account, region, name)
            if error.code != "ImageNotFoundException":
                raise
            newest = "sort_by(imageDetails,&imagePushedAt)[-5:].[imageTags[0],imageDigest]"
            listed = self.aws.command(
                "ecr", "describe-images", *repository, "--query", newest, region=region
            )
            key, value = ("imageDigest", "DIGEST") if image.digest else ("imageTag", "TAG")
            return missing(
                f"{image.repository} has no {which}",
                "push it",
                f"{listed} && {self.set(key, value)}",
            )
        return ok(f"{image.repository} has {which}")

    def _repository(self, account: str, region: str, name: str) -> Finding:
        words = ("describe-repositories", "--registry-id", account, "--repository-names", name)
        try:
            self.aws.ask("ecr", *words, region=region)
        except AwsError as error:
            if error.code != "RepositoryNotFoundException":
                raise
            create = self.aws.command(
                *("ecr", "create-repository", "--repository-name", name), region=region
            )
            return missing(f"account {account} has no repository {name} in {region}", create)
        return ok(f"{name} takes what is built")
