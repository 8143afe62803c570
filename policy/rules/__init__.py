"""Every rule, a module for each subject."""

from policy.rule import RULES
from policy.rules import (
    access,
    accounts,
    connections,
    database,
    drain,
    ecr,
    iam,
    load_balancer,
    network,
    plain_secrets,
    pod_host,
    pod_security,
    pods,
    secrets,
    storage,
    tls,
)

__all__ = [
    "RULES",
    "access",
    "accounts",
    "connections",
    "database",
    "drain",
    "ecr",
    "iam",
    "load_balancer",
    "network",
    "plain_secrets",
    "pod_host",
    "pod_security",
    "pods",
    "secrets",
    "storage",
    "tls",
]
