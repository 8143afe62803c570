"""The pods' right to read the secrets that the CSI driver mounts for them."""

from __future__ import annotations

from pulumi import Output

from components.cluster.cluster import ClusterFacts
from settings.model import Settings
from settings.values.secrets import SecretSource
from targets.eks.identity import Statements

_ACTIONS = {
    "secretsmanager": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
    "ssm": ["ssm:GetParameters"],
}


def reading(settings: Settings, facts: ClusterFacts) -> Statements:
    """Statements of a policy that allows what `secretsFrom` names; none with another driver.

    Source: the README of secrets-store-csi-driver-provider-aws.
    """
    if not settings.reads_secrets:
        return []
    arns: dict[str, list[Output[str]]] = {}
    for source in settings.secrets.sources:
        service = "secretsmanager" if source.secrets_manager else "ssm"
        arns.setdefault(service, []).append(_arn(source, service, facts))
    return [{"Action": _ACTIONS[service], "Resource": found} for service, found in arns.items()]


def _arn(source: SecretSource, service: str, facts: ClusterFacts) -> Output[str]:
    if ":" in source.name:
        return Output.from_input(source.name)
    # Secrets Manager adds a hyphen and six characters to a name.
    resource = (
        f"secret:{source.name}-??????"
        if service == "secretsmanager"
        else f"parameter/{source.name.removeprefix('/')}"
    )
    return Output.format(
        "arn:{0}:{1}:{2}:{3}:{4}",
        facts.partition,
        service,
        facts.region,
        facts.account_id,
        resource,
    )
