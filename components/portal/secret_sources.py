"""Whoever fills Secrets of the portal's pods besides the program."""

from __future__ import annotations

from pulumi import Output, ResourceOptions

from components.portal.external_secrets import ExternalSecrets, ExternalSecretsArgs
from components.portal.held_secrets import HeldSecrets, existing_secret
from components.portal.secret_provider_classes import (
    SecretProviderClasses,
    SecretProviderClassesArgs,
)
from settings.model import Settings
from settings.secrets import by_folder


def held_secrets(
    name: str, settings: Settings, namespace: Output[str], opts: ResourceOptions
) -> HeldSecrets:
    """What the pods take from Secrets of others; creates what the driver of `secretsFrom` reads."""
    held, of, folders = HeldSecrets(), settings.secrets, by_folder(settings)
    kept = folders.get("secretsFrom")
    if kept and settings.reads_secrets:
        classes = SecretProviderClassesArgs(
            namespace, kept, settings.aws.region, settings.workload_identity
        )
        held |= SecretProviderClasses(name, classes, opts).held
    elif kept:
        external = ExternalSecretsArgs(namespace, kept, of.store, of.parameter_store)
        held |= ExternalSecrets(name, external, opts).held
    if of.existing:
        held |= existing_secret(of.existing.name, folders["existingSecret"])
    return held
