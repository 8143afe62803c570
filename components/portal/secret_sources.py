"""Whoever fills the portal's Secrets beside the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pulumi import Output, ResourceOptions

from components.portal.external_secrets import ExternalSecrets, ExternalSecretsArgs
from components.portal.held_secrets import HeldSecrets, existing_secret
from settings.keys import SecretsSettings
from settings.secrets import Folders


@dataclass(frozen=True)
class SecretSourcesArgs:
    namespace: Output[str]
    settings: SecretsSettings
    """Driver, stores and the existing Secret's name."""
    folders: Mapping[str, Folders]
    """Of `settings.secrets.by_folder`."""


def held_secrets(name: str, args: SecretSourcesArgs, opts: ResourceOptions) -> HeldSecrets:
    """What the pods take from Secrets of others; creates what the driver reads, if anything."""
    settings, held = args.settings, HeldSecrets()
    if kept := args.folders.get("secretsFrom"):
        external = ExternalSecretsArgs(
            args.namespace, kept, settings.store, settings.parameter_store
        )
        held |= ExternalSecrets(name, external, opts).held
    if settings.existing:
        held |= existing_secret(settings.existing.name, args.folders["existingSecret"])
    return held
