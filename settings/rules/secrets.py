"""Rules of `secretsFrom`, `existingSecret` and the session secret."""

from __future__ import annotations

from collections.abc import Iterator

from settings.examples import example_of
from settings.integrations import WEBHOOK, integrations
from settings.keys import KEYS
from settings.model import Settings
from settings.problem import Problem, Warn, config_rm, config_set
from settings.rules.rule import rule
from settings.secrets import KEPT_ELSEWHERE, SESSION_SECRET, held_secrets, secret_variables
from settings.values.secrets import SecretSource

# The operator's store for each field of a source: a store reads one service.
STORES = {"secretsManager": "secretStore", "parameter": "parameterStore"}
FIELDS = {store: field for field, store in STORES.items()}


def _fields(source: SecretSource) -> list[str]:
    return [name for name, value in source.model_dump(by_alias=True).items() if value]


@rule("secretsFrom")
def sources(s: Settings) -> Iterator[Problem]:
    for number, source in enumerate(s.secrets.sources):
        given, entry = _fields(source), f"secretsFrom[{number}]"
        said = allowed = fix = ""
        kept = [name for name in STORES if name in given]
        taken = [name for name in ("keys", "as") if name in given]
        if len(kept) != 1:
            said = (
                "secretsManager and parameter" if kept else "neither secretsManager nor parameter"
            )
            allowed = "one of both in an entry"
            fix = config_rm(entry, "parameter")
            if not kept:
                fix = config_set(f"{entry}.secretsManager", "NAME", "--path")
        elif len(taken) != 1:
            said = "keys and as" if taken else "neither keys nor as"
            allowed = "keys for properties of its JSON, or as for the whole value"
            fix = config_rm(entry, "as")
            if not taken:
                fix = config_set(f"{entry}.as", "VARIABLE", "--path")
        elif source.version and source.version.isdecimal() != (kept == ["parameter"]):
            said = f"version {source.version} of {kept[0]}"
            allowed = "a number for a parameter, a version id for a Secrets Manager secret"
            fix = config_rm(entry, "version")
        if said:
            yield Problem("secretsFrom", f"{entry}: {said}", allowed, fix)


@rule("secretsFrom", "secretsDriver", "secretStore", "parameterStore")
def stores(s: Settings) -> Iterator[Problem | Warn]:
    given = {"secretStore": s.secrets.store, "parameterStore": s.secrets.parameter_store}
    used = {STORES[field] for source in s.secrets.sources for field in _fields(source)
            if field in STORES}  # fmt: skip
    for key, store in given.items():
        csi = s.secrets.driver == "csi"
        if store and (csi or key not in used):
            why = (
                "secretsDriver csi reads without it" if csi else f"secretsFrom has no {FIELDS[key]}"
            )
            yield Warn(f"{key}: nothing reads it, as {why}. Unset it: {config_rm(key)}")
        elif key in used and not store and not csi:
            allowed = "the operator's store that reads them, or secretsDriver csi"
            fix = config_set(f"{key}.name", "NAME", "--path")
            yield Problem(key, "nothing, with secretsFrom", allowed, fix)


@rule("secretsFrom", "secretsDriver")
def driver(s: Settings) -> Iterator[Problem]:
    if s.secrets.driver != "csi":
        return
    if not s.secrets.sources:
        fix = config_rm("secretsDriver")
        yield Problem("secretsDriver", "csi", "unset, without secretsFrom", fix)
    names = [source.name for source in s.secrets.sources]
    for number, name in enumerate(names):
        if name in names[:number]:  # the provider refuses a parameter that it is asked for twice
            said = f"secretsFrom[{number}]: {name}, which secretsFrom[{names.index(name)}] reads"
            allowed = "each secret or parameter in one entry, with secretsDriver csi"
            yield Problem("secretsFrom", said, allowed, config_rm("secretsFrom", number))


@rule("secretsFrom", "secretsDriver", "aws:region", target="eks")
def region(s: Settings) -> Iterator[Problem | Warn]:
    for number, source in enumerate(s.secrets.sources):
        there = source.name.split(":")[3] if ":" in source.name else s.aws.region
        if there == s.aws.region:
            continue
        if s.secrets.driver == "csi":
            allowed = f"a secret in the stack's region, {s.aws.region}, or a replica of it there"
            fix = "replicate the secret, and name its ARN or name there"
            yield Problem("secretsFrom", f"secretsFrom[{number}] in {there}", allowed, fix)
        else:
            yield Warn(
                f"secretsFrom[{number}] is in {there}, the stack in {s.aws.region}: its store has "
                f"to name {there}, and the operator to reach it."
            )


@rule("githubApp", "githubAppSecrets", "gitlab", "gitlabSecrets", *KEPT_ELSEWHERE)
def files(s: Settings) -> Iterator[Problem]:
    """A folder of files is one volume, of one Secret."""
    by_key = {each.secrets_key: each for each in integrations(s)}
    first: dict[str, str] = {}
    for held in held_secrets(s):
        key, name = held.file
        if not key:
            continue
        of, taken = by_key[key], first.setdefault(key, held.key)
        known = (*KEYS[key].entries, WEBHOOK)
        said, allowed = held.target, ""
        ways = [held.removal]
        if not of.given:
            said, allowed = f"{held.target}, without {of.key}", f"unset, or with {of.key}"
            ways.append(config_set(of.key, example_of(KEYS[of.key])))
        elif name not in known:
            allowed = f"{key}. and {', '.join(known)}"
        elif of.secrets or taken != held.key:
            other = key if of.secrets else taken
            said = f"{held.target}, and {other} has others"
            allowed = f"all of {key} in one place: they are files of one volume"
        elif held.target in first:
            said, allowed = f"{held.target} twice", "each name in one place"
        first[held.target] = held.key
        if allowed:
            yield Problem(held.key, said, allowed, tuple(ways))


@rule("sessionSecretVersion", *KEPT_ELSEWHERE)
def session_secret(s: Settings) -> Iterator[Problem]:
    if SESSION_SECRET in secret_variables(s) and s.secrets.session_version > 1:
        allowed = f"unset: {SESSION_SECRET} is kept elsewhere, and changes there"
        fix = config_rm("sessionSecretVersion")
        given = str(s.secrets.session_version)
        yield Problem("sessionSecretVersion", given, allowed, fix)
