"""What a stack's keys name in AWS, and somebody else created: topic, key, buckets, policies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from settings.model import Settings
from tools.doctor.aws import Aws, AwsError
from tools.findings import Check, Finding, missing, ok

Words = tuple[str, ...]


@dataclass(frozen=True)
class Named:
    """One of them. key: the stack's. look_up: the call that finds it, service first. gone: code of
    the error if there is none. create: the command that makes one.
    """

    key: str
    value: str
    look_up: Words
    gone: str
    create: Words


def named(s: Settings) -> Iterator[Named]:
    """What the keys of a stack name."""
    look_up: Words
    create: Words
    topic, key, boundary = s.monitoring.alarms, s.kms_key_arn, s.permissions_boundary_arn
    if topic and topic != "create":
        look_up = ("sns", "get-topic-attributes", "--topic-arn", topic)
        create = ("sns", "create-topic", "--name", topic.rpartition(":")[2])
        yield Named("alarms", topic, look_up, "NotFound", create)
    if key:
        look_up = ("kms", "describe-key", "--key-id", key)
        yield Named("kmsKeyArn", key, look_up, "NotFoundException", ("kms", "create-key"))
    if boundary:
        look_up = ("iam", "get-policy", "--policy-arn", boundary)
        name = boundary.rpartition("/")[2]
        create = ("iam", "create-policy", "--policy-name", name)
        create += ("--policy-document", "file://BOUNDARY.json")
        yield Named("permissionsBoundaryArn", boundary, look_up, "NoSuchEntity", create)
    buckets = {
        "techdocsBucket": s.portal.techdocs_bucket,
        "accessLogsBucket": s.ingress.access_logs_bucket,
    }
    for name, bucket in buckets.items():
        if bucket and bucket != "create":
            look_up = ("s3api", "head-bucket", "--bucket", bucket)
            create = ("s3api", "create-bucket", "--bucket", bucket)
            yield Named(name, bucket, look_up, "404", create)
    if acl := s.ingress.waf_acl_arn:
        name, id_ = acl.split("/")[-2:]
        scope = ("--scope", "REGIONAL", "--name", name)
        look_up = ("wafv2", "get-web-acl", *scope, "--id", id_)
        create = ("wafv2", "create-web-acl", *scope, "--default-action", "Allow={}")
        create += ("--visibility-config", "file://VISIBILITY.json")
        yield Named("wafAclArn", acl, look_up, "WAFNonexistentItemException", create)


def checks(settings: Settings, aws: Aws) -> Iterator[Check]:
    """One for each."""
    for each in named(settings):
        yield Check(each.key, partial(_find, each, aws))


def _find(each: Named, aws: Aws) -> Finding:
    service, *words = each.look_up
    try:
        found = aws.ask(service, *words)
    except AwsError as error:
        if error.code != each.gone:
            raise
        return missing(f"{each.value} doesn't exist", aws.command(*each.create))
    state = found.get("KeyMetadata", {}).get("KeyState", "Enabled")
    if state != "Enabled":
        enable = aws.command("kms", "enable-key", "--key-id", each.value)
        return missing(f"{each.value} is {state}", enable)
    return ok(each.value)
