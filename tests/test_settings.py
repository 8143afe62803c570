"""Configuration: what is refused and how, what is accepted, what is never shown."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

import settings_rules
from backstage_app import HOST_BUILD
from configuration import load
from settings import IN_CLUSTER_CONNECTIONS, MODELS, Settings
from settings_reader import declared
from tests.programs import ROOT
from tools.preview.monitor import Recording
from tools.preview.run import PreviewError, run_program
from tools.preview.stack_file import StackConfig

VALID: dict[str, object] = {
    "aws:region": "us-east-1",
    "host": "portal.example.com",
    "clusterName": "platform",
    "imageRepository": "images.example.com/portal",
    "imageTag": "abc1234",
    "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b",
}
# Changes that make VALID the least that the target local needs.
LOCAL: dict[str, object] = {
    **dict.fromkeys(("aws:region", "host", "clusterName", "certificateArn")),
    "target": "local",
    "imageRepository": "portal",
}
CANARY = "canary-4711"
DIGEST = "sha256:" + "ab" * 32
WAF = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/portal/0a1b"


def keys_of(changes: Mapping[str, object]) -> dict[str, str]:
    """VALID with changes, as the engine hands it over; None removes a key."""
    merged = {key: value for key, value in {**VALID, **changes}.items() if value is not None}
    return {
        key if ":" in key else f"backstage:{key}": (
            value if isinstance(value, str) else json.dumps(value)
        )
        for key, value in merged.items()
    }


def loaded(
    changes: Mapping[str, object], secret_keys: tuple[str, ...] = ()
) -> tuple[Settings, Recording]:
    """Settings of VALID with changes, and what was logged. Raises PreviewError when refused."""
    secrets = [f"backstage:{key}" for key in secret_keys]
    config = StackConfig("backstage", "test", keys_of(changes), secrets, frozenset())
    found: list[Settings] = []

    def program() -> None:
        found.append(load())
        for name, value in found[0].portal.secret_env.items():
            pulumi.export(name, value)

    recording = run_program(program, config)
    return found[0], recording


def refused(changes: Mapping[str, object], secret_keys: tuple[str, ...] = ()) -> str:
    with pytest.raises(PreviewError) as raised:
        loaded(changes, secret_keys)
    return str(raised.value)


# id: (changes to VALID, the key in the message, fragments of its block)
Row = tuple[dict[str, object], str, tuple[str, ...]]
BAD: dict[str, Row] = {
    # Stack
    "no host": ({"host": None}, "host", ("given:   nothing", "config set --stack test host")),
    "host with scheme": ({"host": "https://a.b"}, "host", ("without scheme", "https://a.b")),
    "host in upper case": ({"host": "Portal.example.com"}, "host", ("lower-case DNS name",)),
    "host with port": ({"host": "a.example.com:443"}, "host", ("port or path",)),
    "host with path": ({"host": "a.example.com/x"}, "host", ("port or path",)),
    "host of one label": ({"host": "portal"}, "host", ("DNS name",)),
    "empty host": ({"host": ""}, "host", ("an empty value",)),
    "label of 64": ({"host": "a" * 64 + ".example.com"}, "host", ("DNS name",)),
    "no cluster": ({"clusterName": None}, "clusterName", ("nothing", "existing EKS cluster")),
    "cluster with a blank": ({"clusterName": "a b"}, "clusterName", ("at most 100",)),
    "cluster of 101": ({"clusterName": "a" * 101}, "clusterName", ("...", "at most 100")),
    "no region": ({"aws:region": None}, "aws:region", ("the cluster's AWS region",)),
    "bad region": ({"aws:region": "useast1"}, "aws:region", ("an AWS region",)),
    "unknown target": ({"target": "gke"}, "target", ("eks or local",)),
    "context on eks": (
        {"kubeContext": "kind"}, "kubeContext",
        ("given:   a key of target local", "unset, with target eks", "config rm"),
    ),
    "context of blanks": (
        {**LOCAL, "kubeContext": " "}, "kubeContext", ("an empty value", "of the kubeconfig")
    ),
    "cluster on local": (
        {**LOCAL, "clusterName": "platform"}, "clusterName",
        ("given:   a key of target eks", "unset, with target local", "config rm"),
    ),
    "region on local": (
        {**LOCAL, "aws:region": "us-east-1"}, "aws:region",
        ("given:   a key of target eks", "unset, with target local", "config rm"),
    ),
    "host without a class on local": (
        {**LOCAL, "host": "portal.example.com"}, "host",
        ("portal.example.com, without ingressClassName", "http://localhost with a forwarded port",
         "config rm --stack test host, or ", "ingressClassName nginx"),
    ),
    "privileged port": ({"port": 80}, "port", ("from 1024 to 65535",)),
    "port too high": ({"port": 70000}, "port", ("from 1024 to 65535",)),
    "port in words": ({"port": "http"}, "port", ("a whole number",)),
    "default namespace": ({"namespace": "default"}, "namespace", ("of the portal's own",)),
    "system namespace": ({"namespace": "kube-portal"}, "namespace", ("of the portal's own",)),
    "namespace with underscore": ({"namespace": "a_b"}, "namespace", ("RFC 1123 label",)),
    "namespace of 64": ({"namespace": "a" * 64}, "namespace", ("at most 63",)),
    "bad identity": (
        {"workloadIdentity": "kiam"}, "workloadIdentity", ("pod-identity or irsa",)
    ),
    "reserved tag": ({"tags": {"aws:x": "y"}}, "tags", ("the name 'aws:x'",)),
    "own tag": ({"tags": {"stack": "x"}}, "tags", ("which the program sets", "'tags.stack'")),
    "tag too long": ({"tags": {"a": "b" * 257}}, "tags", ("the value of a", "at most 256")),
    "too many tags": ({"tags": {f"t{n}": "" for n in range(48)}}, "tags", ("at most 47",)),
    "tags as a list": ({"tags": ["a"]}, "tags", ("an object",)),
    # Unknown keys
    "misspelt key": (
        {"databseInstances": 2}, "databseInstances", ("did you mean databaseInstances?",)
    ),
    "key in lower case": (
        {"imagedigest": DIGEST}, "imagedigest", ("did you mean imageDigest?", "config rm")
    ),
    "key like no other": ({"zzz": 1}, "zzz", ("an unknown key", "configuration table")),
    "misspelt aws key": ({"aws:regoin": "x"}, "aws:regoin", ("did you mean aws:region?",)),
    "credentials": ({"aws:accessKey": CANARY}, "aws:accessKey", ("the environment",)),
    # AWS
    "role without ARN": (
        {"aws:assumeRoles": [{"sessionName": "x"}]}, "aws:assumeRoles", ("with roleArn",)
    ),
    "misspelt role field": (
        {"aws:assumeRoles": [{"roleArm": "x"}]}, "aws:assumeRoles", ("did you mean roleArn?",)
    ),
    "roles as text": ({"aws:assumeRoles": "arn"}, "aws:assumeRoles", ("a list of objects",)),
    "unknown endpoint": (
        {"aws:endpoints": [{"rdss": "http://x"}]}, "aws:endpoints", ("did you mean rds?",)
    ),
    "short account": ({"aws:allowedAccountIds": ["123"]}, "aws:allowedAccountIds", ("12 digits",)),
    # Image
    "no image at all on local": (
        {**LOCAL, "imageRepository": None}, "imageRepository", ("no appPath", "or appPath")
    ),
    "no image at all": (
        {"imageRepository": None}, "imageRepository", ("no appPath", "or appPath")
    ),
    "no tag": ({"imageTag": None}, "imageTag", ("or imageDigest",)),
    "no tag to build": (
        {"imageTag": None, "appPath": "portal"}, "imageTag", ("the image is built from",)
    ),
    "latest": ({"imageTag": "latest"}, "imageTag", ("not latest",)),
    "tag with a slash": ({"imageTag": "a/b"}, "imageTag", ("an image tag",)),
    "tag of 129": ({"imageTag": "a" * 129}, "imageTag", ("an image tag",)),
    "short digest": ({"imageDigest": "sha256:abc"}, "imageDigest", ("64 hex digits",)),
    "digest in upper case": (
        {"imageDigest": DIGEST.upper()}, "imageDigest", ("64 hex digits",)
    ),
    "digest and build": (
        {"imageDigest": DIGEST, "appPath": "portal"}, "imageDigest", ("one of both", "appPath")
    ),
    "repository with tag": (
        {"imageRepository": "r.io/a:b"}, "imageRepository", ("without scheme, tag or digest",)
    ),
    "repository with scheme": (
        {"imageRepository": "https://r.io/a"}, "imageRepository", ("without scheme",)
    ),
    "repository in upper case": (
        {"imageRepository": "r.io/Portal"}, "imageRepository", ("in lower case",)
    ),
    "repository without registry": (
        {"imageRepository": "portal"}, "imageRepository",
        ("given:   portal", "registry/repository, on eks", "imageRepository REGISTRY/portal"),
    ),
    "unknown build": (
        {"appPath": "portal", "imageBuild": "kaniko"}, "imageBuild", ("multi-stage or host",)
    ),
    "build without app": ({"imageBuild": "host"}, "imageBuild", ("unset without appPath",)),
    "target without app": (
        {"imageTarget": "techdocs"}, "imageTarget", ("unset without appPath", "config rm")
    ),
    "base without app": ({"imageBase": "node:24"}, "imageBase", ("unset without appPath",)),
    "source without app": (
        {"imageSource": "https://example.com/x"}, "imageSource", ("unset without appPath",)
    ),
    "unknown target of the build": (
        {"appPath": "portal", "imageTarget": "all"}, "imageTarget", ("portal or techdocs",)
    ),
    "base with a blank": (
        {"appPath": "portal", "imageBase": "node 24"}, "imageBase", ("an image reference",)
    ),
    "source with credentials": (
        {"appPath": "portal", "imageSource": "https://me:pw@example.com/x"}, "imageSource",
        ("without credentials",),
    ),
    "app that isn't there": ({"appPath": "nowhere"}, "appPath", ("nowhere (no such directory)",)),
    "no app at all": (
        {"appPath": "components"}, "appPath",
        ("no package.json; no yarn.lock", "no packages/backend/package.json", "create-app"),
    ),
    # Connections
    "too many pods": (
        {"maxReplicas": 20, "databaseMaxCapacity": 4}, "maxReplicas",
        ("1092 connections", "13 plugins x 4 in each pool x 21 pods", "the 803 connections",
         "db.serverless of at most 4 ACU", "maxReplicas 14"),
    ),
    "too many plugins": (
        {"databasePlugins": 60, "databaseMaxCapacity": 1}, "maxReplicas",
        ("60 plugins x 4 in each pool x 2 pods", "the 169 connections", "knexConfig.pool.max"),
    ),
    "too many pods for Postgres in the cluster": (
        {**LOCAL, "maxReplicas": 5}, "maxReplicas",
        ("312 connections", "13 plugins x 4 in each pool x 6 pods",
         "the 280 connections that Postgres in the cluster has to give\n", "maxReplicas 4"),
    ),
    "no plugin": ({"databasePlugins": 0}, "databasePlugins", ("from 1 to 200",)),
    "metrics in words": ({"metrics": "yes"}, "metrics", ("true or false",)),
    "platform": ({"imagePlatform": "windows/amd64"}, "imagePlatform", ("linux/arm64",)),
    "pull secret": ({"imagePullSecret": "My Secret"}, "imagePullSecret", ("RFC 1123",)),
    # Database
    "in the cluster on eks": (
        {"database": "in-cluster"}, "database",
        ("given:   in-cluster", "aurora, with target eks", "test database aurora"),
    ),
    "Aurora on local": (
        {**LOCAL, "database": "aurora"}, "database",
        ("given:   aurora", "in-cluster, with target local", "test database in-cluster"),
    ),
    "image of the database on eks": (
        {"databaseImage": "postgres:17"}, "databaseImage", ("a key of target local", "config rm")
    ),
    "image of the database with a blank": (
        {**LOCAL, "databaseImage": "postgres 17"}, "databaseImage", ("an image reference",)
    ),
    "image of the database with a scheme": (
        {**LOCAL, "databaseImage": "Https://r.io/pg"}, "databaseImage", ("an image reference",)
    ),
    "storage on eks": (
        {"databaseStorageSize": "5Gi"}, "databaseStorageSize", ("a key of target local",)
    ),
    "storage without unit": (
        {**LOCAL, "databaseStorageSize": 5}, "databaseStorageSize", ("5Gi, or ephemeral",)
    ),
    "storage in another unit": (
        {**LOCAL, "databaseStorageSize": "5GB"}, "databaseStorageSize", ("5Gi, or ephemeral",)
    ),
    "no storage": (
        {**LOCAL, "databaseStorageSize": "0Gi"}, "databaseStorageSize", ("lost with the pod",)
    ),
    "instances on local": (
        {**LOCAL, "databaseInstances": 2}, "databaseInstances", ("a key of target eks",)
    ),
    "unknown database": ({"database": "mysql"}, "database", ("aurora or in-cluster",)),
    "old engine": ({"databaseEngineVersion": "13"}, "databaseEngineVersion", ("from 14",)),
    "engine with patch": (
        {"databaseEngineVersion": "17.4.1"}, "databaseEngineVersion", ("major.minor",)
    ),
    "class without db.": (
        {"databaseInstanceClass": "r7g.large"}, "databaseInstanceClass", ("db.r7g.large",)
    ),
    "no instance": ({"databaseInstances": 0}, "databaseInstances", ("from 1 to 16",)),
    "17 instances": ({"databaseInstances": 17}, "databaseInstances", ("15 readers",)),
    "half an instance": ({"databaseInstances": 1.5}, "databaseInstances", ("a whole number",)),
    "capacity between steps": (
        {"databaseMinCapacity": 0.3}, "databaseMinCapacity", ("steps of 0.5", "given:   0.3")
    ),
    "negative capacity": ({"databaseMinCapacity": -1}, "databaseMinCapacity", ("0 to 256",)),
    "capacity too high": ({"databaseMaxCapacity": 300}, "databaseMaxCapacity", ("1 to 256",)),
    "maximum below 1": ({"databaseMaxCapacity": 0.5}, "databaseMaxCapacity", ("1 to 256",)),
    "capacity in words": ({"databaseMaxCapacity": "four"}, "databaseMaxCapacity", ("ACU",)),
    "minimum above maximum": (
        {"databaseMinCapacity": 8}, "databaseMinCapacity", ("at most databaseMaxCapacity, 4",)
    ),
    "one subnet": (
        {"databaseSubnetIds": ["subnet-01234567"]}, "databaseSubnetIds", ("two subnets",)
    ),
    "no subnet": ({"databaseSubnetIds": []}, "databaseSubnetIds", ("an empty list",)),
    "subnet twice": (
        {"databaseSubnetIds": ["subnet-01234567"] * 2}, "databaseSubnetIds", ("each entry once",)
    ),
    "subnet name": (
        {"databaseSubnetIds": ["a", "b"]}, "databaseSubnetIds", ("'a' isn't a subnet id",)
    ),
    "subnets as text": (
        {"databaseSubnetIds": "subnet-01234567"}, "databaseSubnetIds", ("a list",)
    ),
    "CIDR with host bits": (
        {"databaseAllowedCidrs": ["10.0.0.1/24"]}, "databaseAllowedCidrs", ("10.0.0.1/24",)
    ),
    "CIDR without prefix": (
        {"databaseAllowedCidrs": ["10.0.0.0"]}, "databaseAllowedCidrs", ("10.0.0.0",)
    ),
    "CIDR of IPv6": ({"databaseAllowedCidrs": ["::/0"]}, "databaseAllowedCidrs", ("IPv4",)),
    "database for the world": (
        {"databaseAllowedCidrs": ["0.0.0.0/0"]}, "databaseAllowedCidrs", ("not 0.0.0.0/0",)
    ),
    "security group": (
        {"databaseAllowedSecurityGroupIds": ["default"]},
        "databaseAllowedSecurityGroupIds",
        ("a security group id",),
    ),
    "no backups": (
        {"databaseBackupRetentionDays": 0}, "databaseBackupRetentionDays", ("1 to 35 days",)
    ),
    "36 days": (
        {"databaseBackupRetentionDays": 36}, "databaseBackupRetentionDays", ("1 to 35 days",)
    ),
    "hour 24": ({"databaseBackupWindow": "23:00-24:00"}, "databaseBackupWindow", ("in UTC",)),
    "short backup window": (
        {"databaseBackupWindow": "07:00-07:29"}, "databaseBackupWindow", ("30 minutes at least",)
    ),
    "window without day": (
        {"databaseMaintenanceWindow": "09:30-10:30"}, "databaseMaintenanceWindow", ("ddd",)
    ),
    "unknown day": (
        {"databaseMaintenanceWindow": "son:09:30-son:10:30"}, "databaseMaintenanceWindow", ("ddd",)
    ),
    "short maintenance window": (
        {"databaseMaintenanceWindow": "sun:09:30-sun:09:45"},
        "databaseMaintenanceWindow",
        ("30 minutes to 24 hours",),
    ),
    "windows overlap": (
        {"databaseMaintenanceWindow": "tue:08:59-tue:09:59"},
        "databaseMaintenanceWindow",
        ("don't overlap", "07:00-09:00"),
    ),
    "windows overlap after midnight": (
        {"databaseBackupWindow": "23:30-01:00", "databaseMaintenanceWindow": "wed:00:30-wed:01:30"},
        "databaseMaintenanceWindow",
        ("don't overlap",),
    ),
    "windows overlap at the week's end": (
        {"databaseBackupWindow": "00:15-01:00", "databaseMaintenanceWindow": "sun:23:45-mon:00:30"},
        "databaseMaintenanceWindow",
        ("don't overlap",),
    ),
    "protection in words": (
        {"databaseDeletionProtection": "yes"}, "databaseDeletionProtection", ("true or false",)
    ),
    "snapshot switch": (
        {"databaseSkipFinalSnapshot": 1}, "databaseSkipFinalSnapshot", ("true or false",)
    ),
    "new generation under protection": (
        {"databaseGeneration": 2},
        "databaseGeneration",
        ("deletion protection holds generation 1", "databaseDeletionProtection false"),
    ),
    "protection of a generation to come": (
        {"databaseProtectedGeneration": 2}, "databaseGeneration", ("holds generation 2",)
    ),
    "generation 0": ({"databaseGeneration": 0}, "databaseGeneration", ("from 1 to 999",)),
    "password version 0": (
        {"databasePasswordVersion": 0}, "databasePasswordVersion", ("from 1 to 9999",)
    ),
    "protected generation 0": (
        {"databaseProtectedGeneration": 0}, "databaseProtectedGeneration", ("from 1 to 999",)
    ),
    "snapshot name": (
        {"databaseSnapshotIdentifier": "my snapshot"}, "databaseSnapshotIdentifier", ("ARN",)
    ),
    "region without roots": (
        {"aws:region": "ca-west-1", "certificateArn": None, "hostedZoneName": "example.com"},
        "databaseCaBundlePath",
        ("no root certificates for ca-west-1",),
    ),
    "no such bundle": (
        {"databaseCaBundlePath": "nowhere.pem"}, "databaseCaBundlePath", ("No such file",)
    ),
    "bundle without certificate": (
        {"databaseCaBundlePath": "LICENSE"}, "databaseCaBundlePath", ("no certificate in it",)
    ),
    # Portal
    "no such app-config": (
        {"appConfigPath": "nowhere.yaml"}, "appConfigPath", ("No such file", "nowhere.yaml")
    ),
    "variable name": ({"env": {"1A": "x"}}, "env", ("the name '1A'", "starting with a digit")),
    "variable without value": ({"env": {"A": None}}, "env", ("A has no plain value",)),
    "nested variable": ({"env": {"A": {"B": 1}}}, "env", ("A has no plain value",)),
    "env as a list": ({"env": ["A"]}, "env", ("an object",)),
    "built-in variable": ({"env": {"APP_HOST": "x"}}, "env", ("APP_HOST", "doesn't set itself")),
    "built-in secret": (
        {"secretEnv": {"POSTGRES_PASSWORD": "x"}}, "secretEnv", ("POSTGRES_PASSWORD",)
    ),
    "skipped migrations by hand": (
        {"env": {"APP_CONFIG_backend_database_skipMigrations": "false"}}, "env",
        ("APP_CONFIG_backend_database_skipMigrations", "'env.APP_CONFIG_backend_database_skip"),
    ),
    "TLS of the database by hand": (
        {"secretEnv": {"APP_CONFIG_backend_database_connection_ssl": "false"}}, "secretEnv",
        ("APP_CONFIG_backend_database_connection_ssl",),
    ),
    "migrations in words": ({"migrationJob": "never"}, "migrationJob", ("true or false",)),
    "variable twice": (
        {"env": {"TOKEN": "x"}, "secretEnv": {"TOKEN": "y"}}, "env", ("secretEnv sets too",)
    ),
    "TLS switched off in secret": (
        {"secretEnv": {"NODE_TLS_REJECT_UNAUTHORIZED": "0"}}, "secretEnv", ("always verified",)
    ),
    "unknown build without app": ({"imageBuild": "x"}, "imageBuild", ("multi-stage or host",)),
    "tag with a line break": ({"imageTag": "abc\n"}, "imageTag", ("'abc\\n'",)),
    "CIDR with netmask": (
        {"databaseAllowedCidrs": ["10.0.0.0/255.0.0.0"]}, "databaseAllowedCidrs", ("IPv4",)
    ),
    "overlap with the default": (
        {"databaseBackupWindow": "09:00-10:00"}, "databaseMaintenanceWindow", ("sun:12:30",)
    ),
    "no certificate at a zone's apex": (
        {"host": "example.com", "certificateArn": None}, "certificateArn", ("ZoneName example.com",)
    ),
    "secretEnv in another case": (
        {"secretenv": {"A": CANARY}}, "secretenv", ("--path --secret secretEnv.NAME VALUE",)
    ),
    "TLS switched off": (
        {"env": {"NODE_TLS_REJECT_UNAUTHORIZED": 0}}, "env", ("always verified",)
    ),
    "no replica": ({"replicas": 0}, "replicas", ("from 1 to 100",)),
    "maximum below replicas": (
        {"replicas": 3, "maxReplicas": 2}, "maxReplicas", ("at least replicas, 3",)
    ),
    "CPU": ({"cpuRequest": "0.25.0"}, "cpuRequest", ("250m or 1",)),
    "memory without unit": ({"memoryLimit": 1024}, "memoryLimit", ("512Mi or 1Gi",)),
    "memory request": ({"memoryRequest": "1GB"}, "memoryRequest", ("512Mi or 1Gi",)),
    "limit below request": (
        {"memoryRequest": "2Gi"}, "memoryLimit", ("at least memoryRequest, 2Gi",)
    ),
    "policy": ({"networkPolicy": "on"}, "networkPolicy", ("true or false",)),
    "egress port 0": ({"egressPorts": [0]}, "egressPorts", ("from 1 to 65535",)),
    "egress ports as text": ({"egressPorts": "25"}, "egressPorts", ("a list",)),
    "plugin": ({"kubernetesPlugin": "maybe"}, "kubernetesPlugin", ("true or false",)),
    "bucket name": ({"techdocsBucket": "My_Bucket"}, "techdocsBucket", ("S3 bucket",)),
    # Ingress
    "scheme": ({"ingressScheme": "public"}, "ingressScheme", ("internal or internet-facing",)),
    "Internet without networks": (
        {"ingressScheme": "internet-facing"}, "ingressInboundCidrs", ("even if it is 0.0.0.0/0",)
    ),
    "inbound network": (
        {"ingressInboundCidrs": ["10.0.0.0/33"]}, "ingressInboundCidrs", ("10.0.0.0/33",)
    ),
    "class name": ({"ingressClassName": "ALB"}, "ingressClassName", ("RFC 1123",)),
    "no certificate": (
        {"certificateArn": None}, "certificateArn", ("hostedZoneName example.com", "allowHttp")
    ),
    "certificate ARN": ({"certificateArn": "arn:x"}, "certificateArn", ("ACM certificate",)),
    "certificate of another region": (
        {"aws:region": "eu-west-1"}, "certificateArn", ("region, eu-west-1",)
    ),
    "HTTP besides a certificate": ({"allowHttp": True}, "allowHttp", ("besides certificateArn",)),
    "HTTP besides a zone": (
        {"allowHttp": True, "certificateArn": None, "hostedZoneName": "example.com"},
        "allowHttp",
        ("besides hostedZoneName",),
    ),
    "zone with a dot at its end": (
        {"hostedZoneName": "example.com."}, "hostedZoneName", ("lower-case DNS name",)
    ),
    "zone of another domain": (
        {"hostedZoneName": "example.org"}, "host", ("ends in .example.org",)
    ),
    "zone that only looks alike": (
        {"host": "portalexample.com", "hostedZoneName": "example.com"}, "host", ("ends in",)
    ),
    "WAF ARN": ({"wafAclArn": "arn:aws:waf::1:x"}, "wafAclArn", ("WAFv2 web ACL",)),
    "WAF of another region": (
        {"wafAclArn": WAF.replace("us-east-1", "us-west-2")}, "wafAclArn", ("region, us-east-1",)
    ),
    "logs bucket": ({"accessLogsBucket": "s3://logs"}, "accessLogsBucket", ("S3 bucket",)),
    "group": ({"ingressGroup": "A"}, "ingressGroup", ("RFC 1123",)),
    "unknown controller": (
        {"loadBalancerController": "nginx"}, "loadBalancerController", ("auto-mode",)
    ),
    "install without role": (
        {"installLoadBalancerController": True},
        "installLoadBalancerController",
        ("pod-identity or irsa",),
    ),
    "install besides auto-mode": (
        {"loadBalancerController": "auto-mode", "installLoadBalancerController": True},
        "installLoadBalancerController",
        ("pod-identity or irsa",),
    ),
    "auto-mode with WAF": (
        {"loadBalancerController": "auto-mode", "wafAclArn": WAF}, "wafAclArn", ("doesn't know it",)
    ),
    "auto-mode with group": (
        {"loadBalancerController": "auto-mode", "ingressGroup": "g"}, "ingressGroup", ("unset",)
    ),
}  # fmt: skip


@functools.cache
def answer(case: str) -> str:
    """What a bad configuration is refused with; once for all tests."""
    return refused(BAD[case][0])


@pytest.mark.parametrize("case", BAD)
def test_refused(case: str) -> None:
    _, key, fragments = BAD[case]
    message = answer(case)
    assert message.startswith("Stack 'test' has 1 configuration problem:\n"), message
    assert message.endswith("Nothing was changed.")
    block = message.split(f"\n  {key}\n    given:   ")[1]
    assert "\n    allowed: " in block
    assert "\n    mend:    " in block
    for fragment in fragments:
        assert fragment in message


def test_at_least_eighty_bad_configurations() -> None:
    assert len(BAD) >= 80


def test_every_key_has_a_bad_value() -> None:
    """But paths and profiles, which take anything, and flags that are like another."""
    free = {"aws:profile"}
    free |= {"aws:skipCredentialsValidation", "aws:skipRequestingAccountId"}
    free |= {"aws:skipMetadataApiCheck", "aws:s3UsePathStyle"}
    keys = {declaration.key for model in MODELS for _, declaration in declared(model)}
    assert keys - free <= {key for changes, key, _ in BAD.values() if key in changes}


PLACEHOLDER = re.compile(r"^[A-Z][A-Z/]+$|^REGISTRY/|NAME|\.\.\.")


def mended(changes: Mapping[str, object], command: str) -> dict[str, object] | None:
    """`changes` after a `pulumi config` command; None where the command has a placeholder."""
    words = [word for word in shlex.split(command)[2:] if word not in ("--plaintext", "--secret")]
    action, _, _, *rest = words
    path = rest[0] == "--path"
    key, *value = rest[path:]
    if any(PLACEHOLDER.search(word) for word in (key, *value)):
        return None
    after = dict(changes)
    name, dot, inner = key.partition("[")[0].partition(".") if path else (key, "", "")
    if dot:
        entries = dict(after.get(name) or {})  # type: ignore[call-overload]
        entries.pop(inner, None)
        after[name] = {**entries, **({inner: value[0]} if action == "set" else {})}
    elif action == "rm":
        after[name] = None
    else:
        after[name] = value if key.endswith("]") else value[0]
    return after


def test_the_first_command_that_a_message_names_mends_it() -> None:
    tried = 0
    for case, (changes, _, _) in BAD.items():
        line = re.findall("mend:    (pulumi config .*)", answer(case))
        if not line:
            continue
        after = mended(changes, re.split(r", or |, then |, and | and ", line[0])[0])
        if after is not None:
            tried += 1
            try:
                loaded(after)
            except PreviewError as error:
                raise AssertionError(f"{case}: {line[0]} leads to {error}") from error
    assert tried > 100


def test_all_problems_in_one_message() -> None:
    message = refused({"host": "X", "port": 1, "replicas": 0, "nope": 1, "imageTag": None})
    assert message.startswith("Stack 'test' has 5 configuration problems:")
    for key in ("host", "port", "replicas", "nope", "imageTag"):
        assert message.count(f"\n  {key}\n") == 1


def test_a_problem_is_reported_once() -> None:
    """A refused value isn't held against the rules between keys as well."""
    message = refused(
        {"databaseBackupWindow": "x", "databaseMaintenanceWindow": "mon:07:00-mon:08:00"}
    )
    assert message.count("given:") == 1


def test_a_refused_target_requires_nothing() -> None:
    message = refused({**LOCAL, "target": "gke"})
    assert message.startswith("Stack 'test' has 1 configuration problem:\n  target\n")


@pytest.mark.parametrize(
    ("given", "default"),
    [
        ({"databaseSkipFinalSnapshot": "x"}, "databaseSkipFinalSnapshot false"),
        ({"allowHttp": "x"}, "allowHttp false"),
        ({"port": 1}, "port 7007"),
        ({"databaseMaxCapacity": 999}, "databaseMaxCapacity 4"),
        ({"ingressClassName": "A"}, "ingressClassName alb"),
    ],
)
def test_mend_commands_go_back_to_the_default(given: dict[str, object], default: str) -> None:
    assert f"pulumi config set --stack test {default}\n" in refused(given)


def test_mend_commands_are_quoted_for_a_shell() -> None:
    assert 'databaseSubnetIds \'["subnet-0123456789abcdef0", ' in refused(
        {"databaseSubnetIds": "x"}
    )


# Backstage's configuration


def app_config(tmp_path: Path, text: str) -> dict[str, object]:
    path = tmp_path / "app-config.yaml"
    path.write_text(text, encoding="utf-8")
    return {"appConfigPath": str(path)}


def test_a_variable_that_nothing_provides(tmp_path: Path) -> None:
    changes = app_config(tmp_path, "a: ${JIRA_TOKEN}\nb: ${APP_HOST} ${OTHER:-x} $${ESCAPED}\n")
    message = refused(changes)
    assert "uses ${JIRA_TOKEN}, which nothing provides" in message
    assert "pulumi config set --stack test --path --secret secretEnv.JIRA_TOKEN VALUE" in message
    assert "OTHER" not in message
    assert "ESCAPED" not in message
    loaded({**changes, "env": {"JIRA_TOKEN": "x"}})
    loaded({**changes, "secretEnv": {"JIRA_TOKEN": "x"}})


def test_techdocs_variables_come_with_a_bucket(tmp_path: Path) -> None:
    changes = app_config(tmp_path, "a: ${TECHDOCS_BUCKET}\n")
    assert "TECHDOCS_BUCKET" in refused(changes)
    loaded({**changes, "techdocsBucket": "create"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("auth: {providers: {guest: {}}}", "auth.providers.guest lets anyone in"),
        (
            "backend: {database: {connection: {ssl: {rejectUnauthorized: false}}}}",
            "doesn't verify the database's certificate",
        ),
        ("backend: {database: {connection: {ssl: false}}}", "doesn't verify"),
        ("backend: {database: {client: better-sqlite3}}", "lost with the pod"),
        ("a: [", "line 2"),
        ("- a", "not a YAML mapping"),
    ],
)
def test_an_unsafe_or_broken_app_config(tmp_path: Path, text: str, problem: str) -> None:
    message = refused(app_config(tmp_path, text))
    assert "\n  appConfigPath\n" in message
    assert problem in message


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("auth_providers_guest", "{}", "auth.providers.guest lets anyone in"),
        ("auth_providers_guest_dangerouslyAllowOutsideDevelopment", "true", "lets anyone in"),
        ("auth", '{"providers": {"guest": {}}}', "lets anyone in"),
        ("backend_database_connection_ssl_rejectUnauthorized", "false", "doesn't verify"),
        ("backend_database_connection", "postgres://h/d?sslmode=disable", "doesn't verify"),
        ("backend_database_client", "better-sqlite3", "lost with the pod"),
    ],
)
def test_a_variable_that_makes_it_unsafe(name: str, value: str, problem: str) -> None:
    name = f"APP_CONFIG_{name}"
    message = refused({"env": {name: value, "APP_CONFIG_app_title": "Portal"}})
    assert "\n  env\n" in message
    assert f"{name}: " in message
    assert problem in message
    assert f"config rm --stack test --path 'env.{name}'" in message


@pytest.mark.parametrize("name", ["auth_providers_guest", "backend_database_connection_ssl_ca"])
def test_what_decides_on_safety_is_no_secret(name: str) -> None:
    message = refused({"secretEnv": {f"APP_CONFIG_{name}": CANARY}}, ("secretEnv",))
    assert f"secretEnv.APP_CONFIG_{name}" in message
    assert CANARY not in message


def test_guests_may_try_a_local_portal_out() -> None:
    guest = {"APP_CONFIG_auth_providers_guest": '{"dangerouslyAllowOutsideDevelopment": true}'}
    assert not nobody({**LOCAL, "env": guest})


# The app that is built


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A copy of what the Dockerfiles read of an app."""
    files = (
        "package.json", "yarn.lock", ".yarnrc.yml", "backstage.json", "app-config.yaml",
        "packages/backend/package.json",
    )  # fmt: skip
    for file in files:
        copy = tmp_path / "app" / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "portal" / file, copy)
    return tmp_path / "app"


def test_an_app_is_accepted(app: Path) -> None:
    settings, _ = loaded({"appPath": str(app)})
    assert settings.database_plugins == 13
    assert settings.commit_time is None  # imageTag is no commit


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("yarn.lock", None, "no yarn.lock"),
        ("app-config.yaml", None, "no app-config.yaml"),
        ("package.json", "{", "names no yarn 4"),
        ("package.json", '{"packageManager": "yarn@1.22.22"}', "names no yarn 4"),
        ("packages/backend/package.json", None, "no packages/backend/package.json"),
        ("packages/backend/package.json", "{}", "isn't built on the new backend system"),
        (
            "packages/backend/package.json",
            '{"dependencies": {"@backstage/backend-defaults": "1"}}',
            "doesn't depend on pg",
        ),
    ],
)
def test_an_app_that_cannot_be_built(app: Path, file: str, text: str | None, problem: str) -> None:
    (app / file).unlink()
    if text is not None:
        (app / file).write_text(text, encoding="utf-8")
    message = refused({"appPath": str(app)})
    assert "\n  appPath\n" in message
    assert problem in message


def test_a_host_build_needs_its_bundle(app: Path) -> None:
    message = refused({"appPath": str(app), "imageBuild": "host"})
    assert "no packages/backend/dist/skeleton.tar.gz or packages/backend/dist/bundle" in message
    assert "yarn build:backend" in message
    for file in HOST_BUILD:
        (app / file).parent.mkdir(exist_ok=True)
        (app / file).touch()
    settings, _ = loaded({"appPath": str(app), "imageBuild": "host"})
    assert settings.image.build == "host"


def test_the_commit_that_is_built_has_its_time() -> None:
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%H %cI"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    settings, _ = loaded({"appPath": "portal", "imageTag": commit[0]})
    assert settings.commit_time == commit[1]


def test_plugins_are_those_of_the_app_or_as_given(app: Path) -> None:
    manifest = json.loads((app / "packages/backend/package.json").read_text(encoding="utf-8"))
    manifest["dependencies"]["@shop/backstage-plugin-costs-backend"] = "1.0.0"
    (app / "packages/backend/package.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert loaded({"appPath": str(app)})[0].database_plugins == 14
    assert loaded({"appPath": str(app), "databasePlugins": 3})[0].database_plugins == 3


# The connection budget


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        # The documented table of Aurora PostgreSQL serverless.
        ({"databaseMaxCapacity": 1}, 189),
        ({"databaseMaxCapacity": 4}, 823),
        ({"databaseMaxCapacity": 8}, 1668),
        ({"databaseMaxCapacity": 16, "databaseMinCapacity": 1}, 3360),
        ({"databaseMaxCapacity": 16, "databaseMinCapacity": 0.5}, 2000),
        ({"databaseMaxCapacity": 128, "databaseMinCapacity": 2}, 5000),
        ({"databaseInstanceClass": "db.t4g.medium"}, 400),
        ({"databaseInstanceClass": "db.t4g.large"}, 823),
        ({"databaseInstanceClass": "db.r7g.large"}, 1668),
    ],
)
def test_connections_that_aurora_has(changes: Mapping[str, object], most: int) -> None:
    assert loaded(changes)[0].database.max_connections == most


def test_pool_size_of_the_app_config_counts(tmp_path: Path) -> None:
    pool = app_config(tmp_path, "backend: {database: {knexConfig: {pool: {max: 7}}}}\n")
    assert loaded(pool)[0].most_connections == 13 * 7 * 2
    given = {"env": {"APP_CONFIG_backend_database_knexConfig_pool": '{"max": 3}'}}
    assert loaded({**pool, **given})[0].most_connections == 13 * 3 * 2
    unsaid = app_config(tmp_path, "backend: {}\n")
    assert loaded(unsaid)[0].most_connections == 13 * 10 * 2  # knex's own limit
    one = "backend: {database: {plugin: {catalog: {knexConfig: {pool: {max: 20}}}}}}\n"
    assert loaded(app_config(tmp_path, one))[0].most_connections == 13 * 20 * 2


# Who can sign in


def nobody(changes: Mapping[str, object]) -> bool:
    return any(each.startswith("Nobody") for each in loaded(changes)[1].warnings)


def test_preview_says_when_nobody_can_sign_in(tmp_path: Path) -> None:
    credentials = {"AUTH_GITHUB_CLIENT_ID": "id", "AUTH_GITHUB_CLIENT_SECRET": CANARY}
    assert nobody({})
    assert nobody({"env": {"AUTH_GITHUB_CLIENT_ID": "id"}})
    assert not nobody({"secretEnv": credentials})
    assert nobody(app_config(tmp_path, "auth: {providers: {guest: null}}\n"))
    assert not nobody(app_config(tmp_path, "auth: {providers: {oidc: {production: {}}}}\n"))
    assert not nobody(
        {**app_config(tmp_path, "{}\n"), "env": {"APP_CONFIG_auth_providers_oidc": "{}"}}
    )
    github = "APP_CONFIG_auth_providers_github_production"
    assert nobody({"env": {f"{github}_enterpriseInstanceUrl": "https://github.example.com"}})
    assert not nobody({"env": {f"{github}_clientId": "id", f"{github}_clientSecret": "x"}})
    assert not nobody({"secretEnv": {f"{github}_clientSecret": CANARY}})


# What is accepted


def test_defaults() -> None:
    settings, recording = loaded({})
    [warning] = recording.warnings
    assert warning.startswith("Nobody will be able to sign in to the portal: AUTH_GITHUB_CLIENT_ID")
    assert dataclasses.asdict(dataclasses.replace(settings.database)) == {
        "kind": None,
        "engine_version": "17",
        "instance_class": "db.serverless",
        "instances": 1,
        "min_capacity": 0.5,
        "max_capacity": 4,
        "subnet_ids": (),
        "allowed_cidrs": (),
        "allowed_security_group_ids": (),
        "backup_retention_days": 7,
        "backup_window": "07:00-09:00",
        "maintenance_window": "sun:09:30-sun:10:30",
        "deletion_protection": True,
        "skip_final_snapshot": False,
        "generation": 1,
        "protected_generation": 1,
        "snapshot_identifier": None,
        "image": None,
        "storage_size": "5Gi",
        "plugins": None,
        "password_version": 1,
        "ca_bundle_path": None,
    }
    assert (settings.port, settings.namespace, settings.target) == (7007, "backstage", "eks")
    assert settings.workload_identity == "pod-identity"
    portal = settings.portal
    assert (portal.replicas, portal.most_replicas, portal.autoscaled) == (1, 1, False)
    assert (portal.cpu_request, portal.memory_request, portal.memory_limit) == (
        "250m",
        "1Gi",
        "1Gi",
    )
    assert portal.migration_job
    assert portal.metrics
    assert portal.network_policy
    assert portal.kubernetes_plugin
    assert settings.ingress.scheme == "internal"
    assert settings.ingress.class_name == "alb"
    assert settings.ingress.controller == "existing"
    assert settings.max_connections == settings.database.max_connections == 823
    assert settings.base_url == "https://portal.example.com"


def test_the_least_that_local_needs() -> None:
    settings, recording = loaded(LOCAL)
    [warning] = recording.warnings
    assert warning.startswith("Nobody will be able to sign in to the portal: AUTH_GITHUB_CLIENT_ID")
    assert (settings.target, settings.host, settings.kube_context) == ("local", "", None)
    assert settings.base_url == "http://localhost:7007"
    assert (settings.aws.region, settings.cluster_name) == ("", "")
    assert settings.ingress.given_class_name is None
    database = settings.database
    assert (database.kind, database.image, database.storage_size) == (None, None, "5Gi")
    assert settings.max_connections == IN_CLUSTER_CONNECTIONS == 300


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({"port": 8080}, "http://localhost:8080"),
        ({"ingressClassName": "nginx"}, "http://localhost"),
        ({"ingressClassName": "nginx", "port": 8080}, "http://localhost"),
        (
            {"ingressClassName": "nginx", "host": "portal.example.com"},
            "http://portal.example.com",
        ),
    ],
)
def test_addresses_of_a_local_portal(changes: Mapping[str, object], url: str) -> None:
    assert loaded({**LOCAL, **changes})[0].base_url == url


def test_an_app_is_built_on_local_without_a_repository(app: Path) -> None:
    settings, _ = loaded({**LOCAL, "imageRepository": None, "appPath": str(app)})
    assert settings.image.repository is None
    assert settings.database_plugins == 13


def test_as_many_pods_as_postgres_in_the_cluster_has_connections_for() -> None:
    settings, _ = loaded({**LOCAL, "maxReplicas": 4})
    assert settings.most_connections == 260


OTHER: dict[str, tuple[object, Any]] = {
    "namespace": ("portal", "portal"),
    "port": (8080, 8080),
    "workloadIdentity": ("irsa", "irsa"),
    "tags": ({"team": "a", "n": 1}, {"team": "a", "n": "1"}),
    "aws:profile": ("ops", "ops"),
    "aws:assumeRoles": (
        [{"roleArn": "arn:x", "sessionName": "s"}],
        ({"role_arn": "arn:x", "session_name": "s"},),
    ),
    "aws:allowedAccountIds": (["123456789012"], ("123456789012",)),
    "aws:endpoints": ([{"rds": "http://x"}], ({"rds": "http://x"},)),
    "aws:skipCredentialsValidation": (True, True),
    "aws:skipRequestingAccountId": (True, True),
    "aws:skipMetadataApiCheck": (True, True),
    "aws:s3UsePathStyle": (True, True),
    "appPath": ("portal", "portal"),
    "imageTarget": ("techdocs", "techdocs"),
    "imageBase": ("r.io/node:24@" + DIGEST, "r.io/node:24@" + DIGEST),
    "imageSource": ("https://example.com/shop", "https://example.com/shop"),
    "imagePlatform": ("linux/arm64", "linux/arm64"),
    "imagePullSecret": ("pull", "pull"),
    "database": ("aurora", "aurora"),
    "databaseEngineVersion": ("16.8", "16.8"),
    "databaseInstanceClass": ("db.r7g.large", "db.r7g.large"),
    "databaseInstances": (2, 2),
    "databaseMinCapacity": (0, 0),
    "databaseMaxCapacity": (8.5, 8.5),
    "databaseSubnetIds": (
        ["subnet-01234567", "subnet-89abcdef"],
        ("subnet-01234567", "subnet-89abcdef"),
    ),
    "databaseAllowedCidrs": (["10.1.0.0/16"], ("10.1.0.0/16",)),
    "databaseAllowedSecurityGroupIds": (["sg-01234567"], ("sg-01234567",)),
    "databaseBackupRetentionDays": (35, 35),
    "databaseBackupWindow": ("22:00-23:00", "22:00-23:00"),
    "databaseMaintenanceWindow": ("sat:23:30-sun:00:30", "sat:23:30-sun:00:30"),
    "databaseGeneration": (2, 2),
    "databaseProtectedGeneration": (2, 2),
    "databaseSnapshotIdentifier": ("snap-1", "snap-1"),
    "databasePasswordVersion": (3, 3),
    "databasePlugins": (20, 20),
    "databaseSkipFinalSnapshot": (True, True),
    "databaseCaBundlePath": ("assets/rds-ca-bundle.pem", "assets/rds-ca-bundle.pem"),
    "appConfigPath": ("assets/app-config.production.yaml", "assets/app-config.production.yaml"),
    "env": (
        {"A": 1, "APP_CONFIG_backend_csp_upgrade-insecure-requests": False},
        {"A": "1", "APP_CONFIG_backend_csp_upgrade-insecure-requests": "false"},
    ),
    "replicas": (2, 2),
    "maxReplicas": (6, 6),
    "cpuRequest": ("1.5", "1.5"),
    "memoryRequest": ("512Mi", "512Mi"),
    "memoryLimit": ("3Gi", "3Gi"),
    "migrationJob": (False, False),
    "metrics": (False, False),
    "networkPolicy": (False, False),
    "egressPorts": ([25], (25,)),
    "kubernetesPlugin": (False, False),
    "techdocsBucket": ("docs", "docs"),
    "ingressScheme": ("internet-facing", "internet-facing"),
    "ingressClassName": ("edge", "edge"),
    "hostedZoneName": ("example.com", "example.com"),
    "ingressInboundCidrs": (["0.0.0.0/0"], ("0.0.0.0/0",)),
    "wafAclArn": (WAF, WAF),
    "accessLogsBucket": ("logs", "logs"),
    "ingressGroup": ("shared", "shared"),
    "loadBalancerController": ("irsa", "irsa"),
    "installLoadBalancerController": (True, True),
}
# The keys that only the target local knows.
LOCAL_OTHER: dict[str, tuple[object, Any]] = {
    "kubeContext": (
        "arn:aws:eks:eu-west-1:1:cluster/kind a",
        "arn:aws:eks:eu-west-1:1:cluster/kind a",
    ),
    "databaseImage": ("r.io/postgres:17@" + DIGEST, "r.io/postgres:17@" + DIGEST),
    "databaseStorageSize": ("ephemeral", "ephemeral"),
}
# Set in VALID, without a second allowed value here, or looked at in a test of its own.
ELSEWHERE = {
    *VALID,
    "target",
    "imageBuild",
    "imageDigest",
    "databaseDeletionProtection",
    "secretEnv",
    "allowHttp",
}


def fields(settings: Settings) -> dict[str, Any]:
    """What was read, by key."""
    groups = [settings, settings.aws, settings.image, settings.database, settings.portal,
              settings.ingress]  # fmt: skip
    return {
        declaration.key: getattr(group, item.name)
        for group in groups
        for item, declaration in declared(type(group))
    }


def test_every_key_is_read_into_its_field() -> None:
    keys = {declaration.key for model in MODELS for _, declaration in declared(model)}
    assert keys == set(OTHER) | set(LOCAL_OTHER) | ELSEWHERE
    for base, other in (({}, OTHER), (LOCAL, LOCAL_OTHER)):
        settings, _ = loaded({**base, **{key: given for key, (given, _) in other.items()}})
        found = fields(settings)
        assert {key: found[key] for key in other} == {key: read for key, (_, read) in other.items()}


# The targets

TARGET_OF = {each.key: each.target for model in MODELS for _, each in declared(model)}
# A value that a key's own target accepts.
ACCEPTED: dict[str, object] = {
    **VALID,
    "databaseDeletionProtection": False,
    "allowHttp": True,
    **{key: given for key, (given, _) in {**OTHER, **LOCAL_OTHER}.items()},
}


def test_whose_key_is_whose() -> None:
    """What AWS or the load balancer provides is of eks; the portal's own keys are of both."""
    assert {key for key, target in TARGET_OF.items() if target == "local"} == set(LOCAL_OTHER)
    both = {key for key, target in TARGET_OF.items() if target is None}
    assert not [key for key in both if key.startswith("aws:")]
    assert both == {
        *("target", "host", "port", "namespace", "ingressClassName"),
        *(key for key in TARGET_OF if key.startswith("image")),
        *("appPath", "appConfigPath", "env", "secretEnv", "replicas", "maxReplicas"),
        *("cpuRequest", "memoryRequest", "memoryLimit", "migrationJob", "metrics"),
        *("networkPolicy", "egressPorts", "kubernetesPlugin"),
        *("database", "databaseEngineVersion", "databasePlugins", "databasePasswordVersion"),
    }


@pytest.mark.parametrize("key", [key for key, target in sorted(TARGET_OF.items()) if target])
def test_a_key_of_the_other_target_is_refused(key: str) -> None:
    own = TARGET_OF[key]
    base, other = ({}, "eks") if own == "local" else (LOCAL, "local")
    message = refused({**base, key: ACCEPTED[key]})
    assert message == (
        "Stack 'test' has 1 configuration problem:\n"
        f"  {key}\n"
        f"    given:   a key of target {own}\n"
        f"    allowed: unset, with target {other}\n"
        f"    mend:    pulumi config rm --stack test {key}\n"
        "Nothing was changed."
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"databaseInstances": 99},
        {"databaseMinCapacity": 8},
        {"databaseMaintenanceWindow": "tue:08:59-tue:09:59"},
        {"databaseSubnetIds": ["subnet-01234567"]},
        {"databaseGeneration": 2},
        {"ingressScheme": "internet-facing"},
        {"wafAclArn": WAF.replace("us-east-1", "us-west-2")},
        {"tags": {"stack": "x"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_key_of_the_other_target_is_reported_once(changes: Mapping[str, object]) -> None:
    """Its own rules stay silent: there is nothing to mend but that it is there."""
    assert refused({**LOCAL, **changes}).startswith("Stack 'test' has 1 configuration problem:\n")


def test_a_repository_of_one_part_has_no_tag_either() -> None:
    assert "without scheme, tag or digest" in refused({**LOCAL, "imageRepository": "portal:5"})


def test_digest_without_tag() -> None:
    settings, _ = loaded({"imageTag": None, "imageDigest": DIGEST})
    assert settings.image.digest == DIGEST


def test_http_where_it_is_allowed() -> None:
    settings, _ = loaded({"certificateArn": None, "allowHttp": True})
    assert settings.base_url == "http://portal.example.com"


def test_given_bundle_for_a_region_without_shipped_roots(tmp_path: Path) -> None:
    shipped = (ROOT / "assets" / "rds-ca-bundle.pem").read_text(encoding="utf-8")
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(re.sub(r"^#.*\n", "", shipped, flags=re.M), encoding="utf-8")
    zone = {"certificateArn": None, "hostedZoneName": "example.com"}
    settings, _ = loaded({**zone, "aws:region": "ca-west-1", "databaseCaBundlePath": str(bundle)})
    assert settings.ca_bundle.for_region("ca-west-1").count("BEGIN CERTIFICATE") == 81


def test_a_snapshot_for_generation_one_is_warned_of() -> None:
    _, recording = loaded({"databaseSnapshotIdentifier": "snap"})
    assert any("has to raise databaseGeneration" in each for each in recording.warnings)


def test_without_protection_a_generation_may_be_raised() -> None:
    settings, _ = loaded({"databaseGeneration": 2, "databaseDeletionProtection": False})
    assert settings.database.generation == 2


# Secrets


def test_secret_values_become_secret_outputs() -> None:
    settings, recording = loaded({"secretEnv": {"TOKEN": CANARY, "N": 1}}, ("secretEnv",))
    assert recording.outputs == {"TOKEN": "[secret]", "N": "[secret]"}
    assert not [each for each in recording.warnings if "in clear" in each]
    assert CANARY not in repr(settings)


def test_plain_secrets_are_warned_of() -> None:
    _, recording = loaded({"secretEnv": {"TOKEN": CANARY}})
    assert any("secretEnv stands in clear" in each for each in recording.warnings)
    assert CANARY not in str(recording.warnings)


@pytest.mark.parametrize(
    "secrets",
    [
        {"1BAD": CANARY},
        {"A": {"B": CANARY}},
        [CANARY],
        CANARY,
        {"POSTGRES_HOST": CANARY},
        {"A": CANARY * 10000},
    ],
)
@pytest.mark.parametrize("encrypted", [True, False])
def test_a_refused_secret_is_not_shown(secrets: object, encrypted: bool) -> None:
    message = refused({"secretEnv": secrets}, ("secretEnv",) if encrypted else ())
    assert "\n  secretEnv\n" in message
    assert CANARY not in message


@pytest.mark.parametrize("key", ["env", "host", "databaseMinCapacity"])
def test_encrypted_value_of_another_key(key: str) -> None:
    message = refused({key: json.dumps({"A": CANARY})}, (key,))
    assert "only secretEnv holds secrets" in message
    assert "--plaintext" in message
    assert CANARY not in message


# The README's table


def shown(default: object) -> str:
    if default in (None, (), {}, dataclasses.MISSING):
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_readme_lists_every_key_as_it_is_declared() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("\n## Configuration\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([\w:]+)` \| (.*?) ?\| (.*) \|$", section, flags=re.M)
    table = {key: (default.strip(), meaning) for key, default, meaning in rows}
    assert len(table) == len(rows)
    assert set(table) == {each.key for model in MODELS for _, each in declared(model)}
    for model in MODELS:
        for item, declaration in declared(model):
            default = declaration.shown_default
            expected = shown(item.default) if default is None else default
            assert table[declaration.key] == (expected, declaration.doc)


def test_every_rule_is_run() -> None:
    rules = {
        value
        for name, value in vars(settings_rules).items()
        if callable(value) and not name.startswith("_") and value.__module__ == "settings_rules"
    }
    assert rules == {*settings_rules.COMMON, *itertools.chain(*settings_rules.RULES_OF.values())}
