"""How a configuration value is declared, read and refused.

`settings.py` declares every key once, as a dataclass field made by `setting(key, kind, ...)`. A
*kind* says what is allowed and turns the engine's text (it hands over every value as a string,
lists and objects as JSON) into a Python value. `Reader` reads whole dataclasses and collects
*all* problems, so that one run of `pulumi preview` names everything that has to be mended.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import ipaddress
import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pulumi
from pulumi.runtime import get_config, get_config_env, is_config_secret

T = TypeVar("T")

GIVEN_LIMIT = 100  # characters of an offending value that a message repeats


@dataclass(frozen=True)
class Problem:
    """One thing to mend in a stack's configuration.

    key: the configuration key, with its namespace where that isn't the project's.
    given: what was found, as text; never a secret.
    allowed: what would be accepted.
    mend: the command, or the step, that puts it right.
    """

    key: str
    given: str
    allowed: str
    mend: str


class Kind:
    """What a configuration value may be: `allowed` in words, an `example`, and `parse`."""

    allowed: str
    example: str

    def parse(self, raw: str) -> Any:
        """Returns the value; raises ValueError (its text, if any, says more than `allowed`)."""
        raise NotImplementedError


class Text(Kind):
    def __init__(self, pattern: str, allowed: str, example: str, limit: int = 2048) -> None:
        self.pattern = re.compile(pattern)
        self.allowed, self.example, self.limit = allowed, example, limit

    def parse(self, raw: str) -> str:
        if len(raw) > self.limit or not self.pattern.fullmatch(raw):
            raise ValueError
        return raw


class Choice(Kind):
    def __init__(self, *values: str) -> None:
        self.values = values
        self.allowed, self.example = " or ".join(values), values[0]

    def parse(self, raw: str) -> str:
        if raw not in self.values:
            raise ValueError
        return raw


class Flag(Kind):
    allowed, example = "true or false", "true"

    def parse(self, raw: str) -> bool:
        if raw not in ("true", "false"):
            raise ValueError
        return raw == "true"


class Integer(Kind):
    def __init__(self, low: int, high: int, unit: str = "") -> None:
        self.low, self.high = low, high
        self.allowed = f"a whole number from {low} to {high}{unit}"
        self.example = str(low)

    def parse(self, raw: str) -> int:
        if not re.fullmatch(r"-?\d{1,9}", raw) or not self.low <= int(raw) <= self.high:
            raise ValueError
        return int(raw)


class Steps(Kind):
    """A number in equal steps."""

    def __init__(self, low: float, high: float, step: float, unit: str) -> None:
        self.low, self.high, self.step = low, high, step
        self.allowed = f"{low:g} to {high:g} {unit} in steps of {step:g}"
        self.example = f"{max(low, step):g}"

    def parse(self, raw: str) -> float:
        if not re.fullmatch(r"-?\d{1,6}(\.\d{1,6})?", raw):
            raise ValueError
        value = float(raw)
        if not self.low <= value <= self.high or value % self.step:
            raise ValueError
        return value


class Cidr(Kind):
    """An IPv4 network; the whole Internet only where `world` says so."""

    def __init__(self, world: bool = False) -> None:
        self.world = world
        self.example = "10.0.0.0/16"
        self.allowed = "an IPv4 network such as 10.0.0.0/16, its host bits zero" + (
            "" if world else "; not 0.0.0.0/0"
        )

    def parse(self, raw: str) -> str:
        network = ipaddress.IPv4Network(raw)  # its errors are ValueErrors that say what is wrong
        # No netmask and no address without prefix: AWS takes neither.
        if raw != str(network) or (network.prefixlen == 0 and not self.world):
            raise ValueError
        return raw


class ListOf(Kind):
    def __init__(self, item: Kind, example: Sequence[str] = ()) -> None:
        self.item = item
        self.allowed = f"a list, each entry once and {item.allowed}"
        self.example = json.dumps(example or [item.example])

    def parse(self, raw: str) -> tuple[Any, ...]:
        entries = _json(raw, list)
        parsed = []
        for entry in entries:
            try:
                parsed.append(self.item.parse(_as_text(entry)))
            except ValueError as error:
                raise ValueError(f"{_as_text(entry)!r} isn't {self.item.allowed}") from error
        if len(set(parsed)) != len(parsed):
            raise ValueError
        return tuple(parsed)


class MapOf(Kind):
    """An object with checked names and plain values, which become text."""

    def __init__(self, name: Kind, value: Kind) -> None:
        self.name, self.value = name, value
        self.allowed = f"an object; names: {name.allowed}; values: {value.allowed}"
        self.example = json.dumps({name.example: value.example})

    def parse(self, raw: str) -> dict[str, Any]:
        parsed = {}
        for name, value in _json(raw, dict).items():
            try:
                self.name.parse(name)
            except ValueError as error:
                raise ValueError(f"the name {name!r} isn't {self.name.allowed}") from error
            if value is None or isinstance(value, (dict, list)):
                raise ValueError(f"{name} has no plain value")
            try:
                parsed[name] = self.value.parse(_as_text(value))
            except ValueError as error:
                raise ValueError(f"the value of {name} isn't {self.value.allowed}") from error
        return parsed


class SecretMap(MapOf):
    """As MapOf; every value becomes a secret Output before anything else can see it.

    The errors of MapOf name entries and never repeat a value, so they may be shown.
    """

    def parse(self, raw: str) -> dict[str, pulumi.Output[str]]:
        return {name: pulumi.Output.secret(value) for name, value in super().parse(raw).items()}


class ObjectList(Kind):
    """A list of objects; camelCase keys become the keyword arguments of a typed Args class."""

    def __init__(self, args: type, required: tuple[str, ...], example: str) -> None:
        names = inspect.signature(args.__init__).parameters  # type: ignore[misc]
        self.required = required
        self.optional = {_camel_case(name): name for name in names if not name.startswith("_")}
        shown = ", ".join(required) or "the provider's service names"
        self.allowed = f"a list of objects with {shown}"
        self.example = example

    def parse(self, raw: str) -> tuple[dict[str, Any], ...]:
        parsed = []
        for entry in _json(raw, list):
            if not isinstance(entry, dict):
                raise ValueError
            unknown = sorted(set(entry) - set(self.optional))
            if unknown:
                near = _nearest(unknown[0], self.optional)
                hint = f"; did you mean {near}?" if near else ""
                raise ValueError(f"{unknown[0]!r} is unknown{hint}")
            if any(not entry.get(name) for name in self.required):
                raise ValueError
            parsed.append({self.optional[name]: value for name, value in entry.items()})
        return tuple(parsed)


@dataclass(frozen=True)
class Setting:
    """The declaration of one key: `key` without the project's namespace, `doc` for the README.

    target: the only target that knows the key; None: all do.
    """

    key: str
    kind: Kind
    doc: str
    shown_default: str | None
    target: str | None


def setting(
    key: str,
    kind: Kind,
    doc: str,
    *,
    default: Any = None,
    shown_default: str | None = None,
    target: str | None = None,
) -> Any:
    """A dataclass field that is read from the configuration key `key`."""
    declaration = Setting(key, kind, doc, shown_default, target)
    metadata = {"setting": declaration}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


def declared(model: type) -> Iterator[tuple[dataclasses.Field[Any], Setting]]:
    """The fields of a settings dataclass that are read from the configuration."""
    for item in dataclasses.fields(model):
        if "setting" in item.metadata:
            yield item, item.metadata["setting"]


class Reader:
    """Reads settings dataclasses from the stack's configuration and collects problems."""

    def __init__(self) -> None:
        self.project, self.stack = pulumi.get_project(), pulumi.get_stack()
        self.problems: list[Problem] = []
        self.refused: set[str] = set()  # keys with a problem of their own
        self.given: set[str] = set()  # keys that the stack sets

    def read(self, model: type[T]) -> T:
        """An instance of `model`; a refused value is replaced by the default."""
        values = {}
        for item, declaration in declared(model):
            found = self._value(declaration, item.default)
            if found is not None:
                values[item.name] = found
        return model(**values)

    def _value(self, declaration: Setting, default: Any) -> Any:
        key, kind = declaration.key, declaration.kind
        full = key if ":" in key else f"{self.project}:{key}"
        raw = get_config(full)
        if raw is None:
            return None
        self.given.add(key)
        holds_secrets = isinstance(kind, SecretMap)
        # A copied command is safe: it goes back to the default where there is one.
        usual = default not in (None, "", (), dataclasses.MISSING)
        example = _default_text(default) if usual else kind.example
        if is_config_secret(full) and not holds_secrets:
            self.report(
                key,
                "an encrypted value",
                "a plain value; only secretEnv holds secrets",
                self.set_command(key, example, flags="--plaintext"),
            )
            return None
        text = _as_text(raw)
        try:
            return kind.parse(text)
        except ValueError as error:
            allowed = f"{kind.allowed} ({error})" if str(error) else kind.allowed
            self.report(
                key,
                "[secret]" if holds_secrets else _shown(text),
                allowed,
                self._command(key, kind, example),
            )
            return None

    def read_file(self, key: str, path: Path, load: Callable[[str], T], what: str) -> T:
        """What `load` makes of a file's text; `load("")` when the file is refused.

        load: raises ValueError whose text says what is wrong with the file.
        """
        try:
            return load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            given = f"{path} ({reason})"
        except ValueError as error:
            given = f"{path} ({error})"
        if self.sound(key):
            self.report(key, given, f"a file with {what}", f"mend the file, or point {key} at it")
        return load("")

    def report(self, key: str, given: str, allowed: str, mend: str) -> None:
        """Adds a problem; keeps the rules that would build on `key` from repeating it."""
        self.problems.append(Problem(key, given, allowed, mend))
        self.refused.add(key)

    def set_command(self, key: str, value: str, flags: str = "") -> str:
        """The command that sets `key`, quoted for a POSIX shell."""
        quoted = [shlex.quote(key), shlex.quote(value)]
        words = ["pulumi config set", f"--stack {self.stack}", flags, *quoted]
        return " ".join(word for word in words if word)

    def _command(self, key: str, kind: Kind, value: str) -> str:
        """The command that sets a key of a kind; a secret's value is never part of it."""
        if isinstance(kind, SecretMap):
            return self.set_command(f"{key}.NAME", "VALUE", "--path --secret")
        return self.set_command(key, value)

    def remove_command(self, key: str) -> str:
        """The command that unsets `key`."""
        return f"pulumi config rm --stack {self.stack} {key}"

    def refuse_unknown_keys(self, models: Iterable[type], owned: Mapping[str, str]) -> None:
        """Reports keys that no model declares, with the nearest declared one.

        owned: the namespaces this program answers for, and what their keys are for.
        """
        known = {
            declaration.key if ":" in declaration.key else f"{self.project}:{declaration.key}": (
                declaration.kind
            )
            for model in models
            for _, declaration in declared(model)
        }
        for full in sorted(get_config_env()):
            namespace, _, name = full.partition(":")
            if namespace not in owned or full in known:
                continue
            prefix = "" if namespace == self.project else f"{namespace}:"
            near = _nearest(
                name, [k.partition(":")[2] for k in known if k.startswith(f"{namespace}:")]
            )
            key = prefix + name
            mend = self.remove_command(key)
            if near:
                self.report(
                    key, "an unknown key", f"did you mean {prefix}{near}?",
                    f"{mend}, then "
                    + self._command(prefix + near, known[f"{namespace}:{near}"], "VALUE"),
                )  # fmt: skip
            else:
                self.report(key, "an unknown key", owned[namespace], mend)

    def check(self, rules: Iterable[Callable[[Any, Reader], None]], settings: Any) -> None:
        """Runs the cross-field rules, in the order in which they are declared."""
        for rule in rules:
            rule(settings, self)

    def sound(self, *keys: str) -> bool:
        """Whether none of `keys` has a problem of its own."""
        return not self.refused.intersection(keys)

    def raise_problems(self) -> None:
        """Raises one `pulumi.RunError` that lists every problem; returns when there is none."""
        if not self.problems:
            return
        count = len(self.problems)
        head = f"Stack '{self.stack}' has {count} configuration problem{'s'[: count > 1]}:"
        blocks = [
            f"  {problem.key}\n"
            f"    given:   {problem.given}\n"
            f"    allowed: {problem.allowed}\n"
            f"    mend:    {problem.mend}"
            for problem in self.problems
        ]
        raise pulumi.RunError("\n".join([head, *blocks, "Nothing was changed."]))


def _nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant: another case, or few letters apart."""
    by_lower_case = {each.lower(): each for each in names}
    near = difflib.get_close_matches(name.lower(), by_lower_case, n=1, cutoff=0.75)
    return by_lower_case[near[0]] if near else None


def _camel_case(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _default_text(default: Any) -> str:
    return f"{default:g}" if isinstance(default, float) else _as_text(default)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _shown(text: str) -> str:
    if not text.strip():
        return "an empty value"
    if not text.isprintable():  # a line break would tear the message
        text = repr(text)
    return text if len(text) <= GIVEN_LIMIT else text[:GIVEN_LIMIT] + " ..."


def _json(raw: str, wanted: type[T]) -> T:
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise ValueError from error
    if not isinstance(value, wanted):
        raise ValueError
    return value
