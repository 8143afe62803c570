"""Every rule, a module for each subject."""

from policy.rule import RULES
from policy.rules import (
    access,
    database,
    drain,
    iam,
    load_balancer,
    network,
    pod_security,
    pods,
    secrets,
    storage,
    tls,
)

__all__ = [
    "RULES",
    "access",
    "database",
    "drain",
    "iam",
    "load_balancer",
    "network",
    "pod_security",
    "pods",
    "secrets",
    "storage",
    "tls",
]
