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
_SCALARS = (":null", ":bool", ":int", ":float", ":str", ":seq", ":map")


class FileError(ValueError):
    """A file is missing or unusable; the text says why."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as Backstage and the engine read it: a date, yes and no are text.

    With libyaml where the wheel has it: a tenth of the time.
    """

    yaml_constructors = {  # noqa: RUF012, as in the base class
        tag: construct
        for tag, construct in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.endswith(_SCALARS)
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [name.value for name, _ in node.value if isinstance(name, yaml.ScalarNode)]
        for name in (name for name in names if names.count(name) > 1):
            problem = f"{name} is there twice"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [each for each in resolvers if not each[0].endswith((":timestamp", ":bool"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_BOOL = re.compile(r"(true|True|TRUE|false|False|FALSE)$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOL, list("tTfF"))


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
    return _mapping(_loaded(text, yaml.load))


def parse_documents(text: str) -> list[dict[Any, Any]]:
    """The YAML mappings of a file that `---` divides, without empty ones. Raises FileError."""
    documents = _loaded(text, lambda *given: list(yaml.load_all(*given)))
    return [_mapping(each) for each in documents if each is not None]


def _loaded(text: str, load: Callable[..., Any]) -> Any:
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):  # one by one: the loader would recurse
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MOST_LEVELS:
                raise FileError(f"nested more than {MOST_LEVELS} levels deep")
        return load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "unreadable"
        raise FileError(f"{where}: {getattr(error, 'problem', None) or 'not YAML'}") from error


def _mapping(document: Any) -> dict[Any, Any]:
    if not isinstance(document, dict):
        raise FileError("not a YAML mapping")
    nodes: list[Any] = [document]
    for count, node in enumerate(nodes):  # which grows as it goes
        if count > MOST_VALUES:
            raise FileError(f"its aliases expand to more than {MOST_VALUES:,} values")
        nodes += [value for _, value in children(node)]
    return document


def children(node: object) -> Iterator[tuple[str, Any]]:
    """Names or indices, and values, of a mapping or a list; nothing for a scalar."""
    if isinstance(node, dict):
        yield from ((str(name), value) for name, value in node.items())
    elif isinstance(node, list):
        yield from ((str(index), value) for index, value in enumerate(node))
