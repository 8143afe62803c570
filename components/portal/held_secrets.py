"""Secrets that the program doesn't fill, as the portal's pods refer to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi_kubernetes as k8s
from pulumi import Input

from settings.secrets import Folders

core = k8s.core.v1


@dataclass(frozen=True)
class HeldSecrets:
    """Variables and files from Secrets of others."""

    variables: Mapping[str, k8s.core.v1.EnvVarSourceArgs] = field(default_factory=dict)
    """One by one: of a whole Secret, an entry that nobody checked could override any setting."""
    volumes: Mapping[str, k8s.core.v1.VolumeArgs] = field(default_factory=dict)
    """By the folder that each is mounted at, which is its name, too."""
    names: Sequence[Input[str]] = ()
    """The Secrets whose new values need new pods."""

    def __or__(self, other: HeldSecrets) -> HeldSecrets:
        """Both; neither has a variable or a folder of the other."""
        return HeldSecrets(
            {**self.variables, **other.variables},
            {**self.volumes, **other.volumes},
            [*self.names, *other.names],
        )


def entry_of(secret: Input[str], key: str) -> k8s.core.v1.EnvVarSourceArgs:
    """An entry of a Secret as a variable's value."""
    return core.EnvVarSourceArgs(secret_key_ref=core.SecretKeySelectorArgs(name=secret, key=key))


def existing_secret(name: str, folders: Folders) -> HeldSecrets:
    """A Secret of the pods' namespace that somebody else fills. folders: of `by_folder`."""
    volumes = {
        folder: core.VolumeArgs(
            name=folder,
            secret=core.SecretVolumeSourceArgs(
                secret_name=name,
                default_mode=0o440,
                items=[
                    core.KeyToPathArgs(key=held.entry, path=file) for file, held in files.items()
                ],
            ),
        )
        for folder, files in folders.items()
        if folder
    }
    variables = {
        variable: entry_of(name, held.entry) for variable, held in folders.get("", {}).items()
    }
    return HeldSecrets(variables, volumes, [name])
