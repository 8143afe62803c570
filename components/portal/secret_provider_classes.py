"""Secrets that AWS's provider of the Secrets Store CSI driver mounts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from components.kubernetes.labels import LABELS
from components.kubernetes.names import custom_name, digested
from components.portal.held_secrets import HeldSecrets, entry_of
from settings.secrets import Folders, HeldSecret
from settings.values.secrets import SecretSource

core = k8s.core.v1

DRIVER = "secrets-store.csi.k8s.io"
VARIABLES_FOLDER = "secrets-store"  # mounted for the driver to copy the variables into a Secret


class _Property(TypedDict):
    path: str
    objectAlias: str


class _Object(TypedDict):
    objectName: str
    objectType: str
    objectAlias: str
    objectVersion: NotRequired[str]
    jmesPath: NotRequired[list[_Property]]


class _Copied(TypedDict):
    objectName: str
    key: str


class _Secret(TypedDict):
    secretName: str
    type: str
    labels: Mapping[str, str]
    data: list[_Copied]


class _Parameters(TypedDict):
    region: str
    usePodIdentity: str
    objects: str


class _Spec(TypedDict):
    provider: str
    parameters: _Parameters
    secretObjects: list[_Secret]


@dataclass(frozen=True)
class SecretProviderClassesArgs:
    namespace: Output[str]
    folders: Folders
    """Of `settings.secrets.by_folder`; each secret with a source."""
    region: str
    workload_identity: str
    """`pod-identity` or `irsa`, by which the pods' service accounts have a role that may read."""


class SecretProviderClasses(pulumi.ComponentResource):
    """Creates a SecretProviderClass of the variables and one of each folder of files.

    The driver mounts them into the pods, and copies each into a Secret, whose name ends in a digest
    of what the class asks for: variables come from there, and Reloader watches it. A change is a
    new object, as of an ExternalSecret. Values stay out of the state. Source: the driver's
    apis/v1/secretproviderclass_types.go, the README of secrets-store-csi-driver-provider-aws.
    """

    held: HeldSecrets

    def __init__(
        self, name: str, args: SecretProviderClassesArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:secrets:SecretProviderClasses", name, None, opts)
        copies: dict[str, str] = {}
        volumes: dict[str, k8s.core.v1.VolumeArgs] = {}
        for folder, files in args.folders.items():
            own = f"{name}-{folder or 'variables'}"
            parameters = _parameters(args, files)
            copies[folder] = digested(own, parameters)
            found = self._class(own, args.namespace, _spec(parameters, copies[folder], files))
            mounted = folder or VARIABLES_FOLDER
            volumes[mounted] = _volume(mounted, custom_name(found))
        variables = args.folders.get("", {})
        self.held = HeldSecrets(
            {variable: entry_of(copies[""], variable) for variable in variables},
            volumes,
            list(copies.values()),
        )
        self.register_outputs({})

    def _class(
        self, name: str, namespace: Output[str], spec: _Spec
    ) -> k8s.apiextensions.CustomResource:
        return k8s.apiextensions.CustomResource(
            f"{name}-class",
            api_version="secrets-store.csi.x-k8s.io/v1",
            kind="SecretProviderClass",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace, labels=LABELS),
            spec=spec,
            opts=ResourceOptions(parent=self, replace_on_changes=["spec"]),
        )


def _parameters(args: SecretProviderClassesArgs, files: Mapping[str, HeldSecret]) -> _Parameters:
    return {
        "region": args.region,
        "usePodIdentity": str(args.workload_identity == "pod-identity").lower(),
        "objects": json.dumps(_objects(files)),  # YAML, as the provider reads it
    }


def _spec(parameters: _Parameters, copy: str, files: Mapping[str, HeldSecret]) -> _Spec:
    copied: list[_Copied] = [{"objectName": file, "key": file} for file in files]
    secret: _Secret = {"secretName": copy, "type": "Opaque", "labels": LABELS, "data": copied}
    return {"provider": "aws", "parameters": parameters, "secretObjects": [secret]}


def _objects(files: Mapping[str, HeldSecret]) -> list[_Object]:
    """Each source once, with what is wanted of it."""
    wanted: dict[str, tuple[SecretSource, dict[str, str]]] = {}
    for file, held in files.items():
        if held.source is None:
            raise ValueError(f"{held.target} has no source")
        wanted.setdefault(held.source.name, (held.source, {}))[1][file] = held.entry
    return [_object(f"source-{number}", *each) for number, each in enumerate(wanted.values())]


def _object(alias: str, source: SecretSource, entries: Mapping[str, str]) -> _Object:
    whole = [file for file, entry in entries.items() if not entry]
    found: _Object = {
        "objectName": source.name,
        "objectType": "secretsmanager" if source.secrets_manager else "ssmparameter",
        "objectAlias": next(iter(whole), alias),
    }
    if source.version:
        found["objectVersion"] = source.version
    if not whole:
        found["jmesPath"] = [
            {"path": _quoted(entry), "objectAlias": file} for file, entry in entries.items()
        ]
    return found


def _quoted(entry: str) -> str:
    """A property as JMESPath takes it: a bare name can't hold a hyphen, or begin with a digit."""
    return ".".join(f'"{part}"' for part in entry.split("."))


def _volume(folder: str, class_name: Output[str]) -> k8s.core.v1.VolumeArgs:
    return core.VolumeArgs(
        name=folder,
        csi=core.CSIVolumeSourceArgs(
            driver=DRIVER,
            read_only=True,
            volume_attributes={"secretProviderClass": class_name},
        ),
    )
