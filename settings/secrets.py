"""Secrets of which the stack file has only the whereabouts: `secretsFrom` and `existingSecret`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from settings.keys import Keys
from settings.problem import config_rm
from settings.values.secrets import SecretSource

SESSION_SECRET = "AUTH_SESSION_SECRET"  # noqa: S105
KEPT_ELSEWHERE = ("secretsFrom", "existingSecret")
FOLDERS = {"githubAppSecrets": "github-app", "gitlabSecrets": "gitlab"}  # of mounted files
PROVIDING = ("env", "secretEnv", *KEPT_ELSEWHERE)  # keys that give the portal variables


@dataclass(frozen=True)
class HeldSecret:
    """target: a variable, or a file such as `githubAppSecrets.privateKey`. entry: its property or
    key there; empty: the whole value. source: None in `existingSecret`. keys: the place of its
    neighbours in the stack file. removal: the command that removes it there.
    """

    target: str
    entry: str
    source: SecretSource | None
    keys: str
    removal: str

    @property
    def key(self) -> str:
        """The stack file's."""
        return "secretsFrom" if self.source else "existingSecret"

    @property
    def variable(self) -> str | None:
        """The variable, unless it is a file."""
        return None if "." in self.target else self.target

    @property
    def file(self) -> tuple[str, str]:
        """Key of the stack file and name of the file; empty for a variable."""
        key, _, name = self.target.rpartition(".")
        return key, name if key else ""


def held_secrets(s: Keys) -> Iterator[HeldSecret]:
    """Every secret that `secretsFrom` and `existingSecret` name."""
    for number, source in enumerate(s.secrets.sources):
        keys, whole = f"secretsFrom[{number}].keys", config_rm("secretsFrom", number)
        if source.target:
            yield HeldSecret(source.target, "", source, keys, whole)
        for target, entry in source.keys.items():
            removal = whole if len(source.keys) == 1 else config_rm(keys, target)
            yield HeldSecret(target, entry, source, keys, removal)
    if existing := s.secrets.existing:
        keys, whole = "existingSecret.keys", config_rm("existingSecret")
        for target, entry in existing.keys.items():
            removal = whole if len(existing.keys) == 1 else config_rm(keys, target)
            yield HeldSecret(target, entry, None, keys, removal)


Folders = Mapping[str, Mapping[str, HeldSecret]]
"""Secrets by folder and file; by variable in the folder ""."""


def by_folder(s: Keys) -> Mapping[str, Folders]:
    """The secrets of `secretsFrom` and of `existingSecret`, without a key that names none."""
    found: dict[str, dict[str, dict[str, HeldSecret]]] = {}
    for each in held_secrets(s):
        of, file = each.file
        folder = found.setdefault(each.key, {}).setdefault(FOLDERS.get(of, ""), {})
        folder[file or each.target] = each
    return found


def secret_variables(s: Keys) -> frozenset[str]:
    """Names of the variables whose value is secret, wherever it is kept; not the program's own."""
    held = (each.variable for each in held_secrets(s))
    return frozenset((*s.portal.secret_env, *filter(None, held)))


def session_secret_version(s: Keys) -> int | None:
    """Of the session secret that the program generates; None: it is kept elsewhere."""
    return None if SESSION_SECRET in secret_variables(s) else s.secrets.session_version


def secret_files(s: Keys, key: str) -> frozenset[str]:
    """Names of the files of `key`, such as `githubAppSecrets`, that are kept elsewhere."""
    return frozenset(name for of, name in (each.file for each in held_secrets(s)) if of == key)
