"""Files of the project: their text, and YAML within limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent  # of the project; paths in keys are relative to it
# A file beyond these is an accident or an attack: aliases double in size with each level.
MOST_VALUES = 100_000
MOST_LEVELS = 100
_CONFLICT = re.compile(r"<{7}( |$)|={7}$|>{7}( |$)")
_SCALARS = (":null", ":bool", ":int", ":float", ":str", ":seq", ":map")


class FileError(ValueError):
    """A file is missing or unusable; each of `faults` says why."""

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML 1.2 as Backstage reads it: a date, yes, 12:30 and 1_000 are text, and 010 is ten.

    With libyaml where the wheel has it: a tenth of the time.
    """

    yaml_constructors = {  # noqa: RUF012, as in the base class
        tag: construct
        for tag, construct in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.endswith(_SCALARS)
    }
    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [each for each in resolvers if each[0].endswith((":null", ":merge"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        first: dict[str, int] = {}
        for name in (name for name, _ in node.value if isinstance(name, yaml.ScalarNode)):
            if name.value in first:
                problem = f"{name.value} is there twice, first in line {first[name.value]}"
                raise yaml.constructor.ConstructorError(None, None, problem, name.start_mark)
            first[name.value] = name.start_mark.line + 1
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping

    def construct_yaml_int(self, node: Any) -> int:
        text = self.construct_scalar(node)
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


# Source: YAML 1.2.2, 10.3.2, core schema.
for _tag, _pattern, _first in (
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
    ("float", r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)"
     r"|\.(?:nan|NaN|NAN))$", "-+.0123456789"),
):  # fmt: skip
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))
Loader.add_constructor("tag:yaml.org,2002:int", Loader.construct_yaml_int)


def read_text(path: str) -> str:
    """Text of a file in the project. Raises FileError."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileError("not UTF-8 text") from error
    except (OSError, ValueError) as error:
        raise FileError(getattr(error, "strerror", None) or "not a path") from error


def parse_yaml(text: str) -> dict[Any, Any]:
    """A YAML mapping. Raises FileError, with the line where there is one."""
    return parsed(text, lambda loader: loader.get_single_data())


def parsed(
    text: str, construct: Callable[[Any], Any], loader: type[Loader] = Loader
) -> dict[Any, Any]:
    """The mapping that `construct` makes with a loader of the text. Raises FileError as above."""

    def load(text: str) -> Any:
        opened = loader(text)
        try:
            return construct(opened)
        finally:
            opened.dispose()

    return _mapping(_loaded(text, load))


def parse_documents(text: str) -> list[dict[Any, Any]]:
    """The YAML mappings of a file that `---` divides, without empty ones. Raises FileError."""
    documents = _loaded(text, lambda text: list(yaml.load_all(text, Loader)))
    return [_mapping(each) for each in documents if each is not None]


def _loaded(text: str, load: Callable[[str], Any]) -> Any:
    try:
        depth = 0
        for event in yaml.parse(text, Loader=Loader):  # one by one: the loader would recurse
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MOST_LEVELS:
                raise FileError(f"nested more than {MOST_LEVELS} levels deep")
        return load(text)
    except yaml.YAMLError as error:
        raise FileError(_syntax_error(error, text)) from error


def _syntax_error(error: Any, text: str) -> str:
    """The line and what is wrong there, without what it says, which may be a secret."""
    problem = getattr(error, "problem", None) or "not YAML"
    mark = getattr(error, "problem_mark", None)
    if "expected ':'" in problem and error.context_mark:  # the parser's own is further below
        mark, problem = error.context_mark, "no ': ' between a key and its value"
    if mark is None:
        return f"unreadable: {problem}"
    above = enumerate(text.splitlines()[: mark.line + 1], 1)
    conflict = next((line for line, each in above if _CONFLICT.match(each)), None)
    if conflict:
        return f"line {conflict}: a merge conflict"
    if problem == "but found another document":
        problem = "'---' begins another document; one is allowed"
    return f"line {mark.line + 1}: {problem}"


def _mapping(document: Any) -> dict[Any, Any]:
    if not isinstance(document, dict):
        raise FileError("not a YAML mapping")
    nodes: list[Any] = [document]
    for count, node in enumerate(nodes):  # which grows as it goes
        if count > MOST_VALUES:
            raise FileError(f"its aliases expand to more than {MOST_VALUES:,} values")
        nodes += [value for _, value in children(node)]
    return document


def mapped(node: Any, leaf: Callable[[Any], Any]) -> Any:
    """A copy of mappings and lists, with what `leaf` makes of every other value in them."""
    if isinstance(node, dict):
        return {name: mapped(each, leaf) for name, each in node.items()}
    if isinstance(node, list):
        return [mapped(each, leaf) for each in node]
    return leaf(node)


def children(node: object) -> Iterator[tuple[str, Any]]:
    """Names or indices, and values, of a mapping or a list; nothing for a scalar."""
    if isinstance(node, dict):
        yield from ((str(name), value) for name, value in node.items())
    elif isinstance(node, list):
        yield from ((str(index), value) for index, value in enumerate(node))
