"""Secrets that the External Secrets Operator copies from AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from components.kubernetes.labels import LABELS
from components.kubernetes.names import custom_name
from components.kubernetes.pods import secret_volume
from components.portal.held_secrets import HeldSecrets, entry_of
from settings.secrets import Folders, HeldSecret
from settings.values.secrets import SecretStore

# How soon a new version is noticed. Each secret costs a request: 8,640 a month.
REFRESH_INTERVAL = "5m"
# The operator answers within seconds; longer than this it has no access, or doesn't run.
READY_SECONDS = 120


class _StoreRef(TypedDict):
    name: str
    kind: str


class _SourceRef(TypedDict):
    storeRef: _StoreRef


class _RemoteRef(TypedDict):
    key: str
    property: NotRequired[str]
    version: NotRequired[str]


class _Data(TypedDict):
    secretKey: str
    remoteRef: _RemoteRef
    sourceRef: _SourceRef


class _Target(TypedDict):
    creationPolicy: str
    deletionPolicy: str


class _Spec(TypedDict):
    refreshInterval: str
    target: _Target
    data: list[_Data]


@dataclass(frozen=True)
class ExternalSecretsArgs:
    namespace: Output[str]
    folders: Folders
    """Of `settings.secrets.by_folder`; each secret with a source."""
    store: SecretStore | None
    """Of the Secrets Manager secrets, if there are any."""
    parameter_store: SecretStore | None
    """Of the parameters, if there are any."""


class ExternalSecrets(pulumi.ComponentResource):
    """Creates an ExternalSecret of the variables and one of each folder of files, and waits until
    the operator has made its Secret, which has the same name.

    A changed list or version is a new object with another generated name, which rolls the pods, and
    the old one is deleted last. Values stay out of the state. Source: external-secrets.io/v1,
    apis/externalsecrets/v1/externalsecret_types.go.
    """

    held: HeldSecrets

    def __init__(
        self, name: str, args: ExternalSecretsArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:secrets:ExternalSecrets", name, None, opts)
        secrets = {
            folder: self._secret(f"{name}-{folder or 'variables'}", args, files)
            for folder, files in args.folders.items()
        }
        self.held = HeldSecrets(
            {variable: entry_of(secrets[""], variable) for variable in args.folders.get("", {})},
            {folder: secret_volume(folder, secret) for folder, secret in secrets.items() if folder},
            list(secrets.values()),
        )
        self.register_outputs({})

    def _secret(
        self, name: str, args: ExternalSecretsArgs, files: Mapping[str, HeldSecret]
    ) -> Output[str]:
        secret = k8s.apiextensions.CustomResource(
            f"{name}-external",
            api_version="external-secrets.io/v1",
            kind="ExternalSecret",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=args.namespace,
                labels=LABELS,
                annotations={
                    "pulumi.com/waitFor": "condition=Ready",
                    "pulumi.com/timeoutSeconds": str(READY_SECONDS),
                },
            ),
            spec=_spec(args, files),
            opts=ResourceOptions(parent=self, replace_on_changes=["spec"]),
        )
        return custom_name(secret)


def _spec(args: ExternalSecretsArgs, files: Mapping[str, HeldSecret]) -> _Spec:
    return {
        "refreshInterval": REFRESH_INTERVAL,
        # Deleted with its ExternalSecret, but kept if the secret is deleted in AWS: pods that
        # restart still find it.
        "target": {"creationPolicy": "Owner", "deletionPolicy": "Retain"},
        "data": [_data(args, name, held) for name, held in files.items()],
    }


def _data(args: ExternalSecretsArgs, name: str, held: HeldSecret) -> _Data:
    source = held.source
    store = args.store if source and source.secrets_manager else args.parameter_store
    if source is None or store is None:
        raise ValueError(f"{held.target} has no source or no store")
    remote: _RemoteRef = {"key": source.name}
    if held.entry:
        remote["property"] = held.entry
    if source.version:
        # The operator reads anything without the prefix as the label of a version.
        remote["version"] = ("uuid/" if source.secrets_manager else "") + source.version
    return {
        "secretKey": name,
        "remoteRef": remote,
        "sourceRef": {"storeRef": {"name": store.name, "kind": store.kind}},
    }
