"""Provider plugins that create nothing: gRPC servers that the engine attaches to.

Unlike mocks, they generate names, replace resources and fail on demand. Outputs of AWS resources
come from the offline preview.
"""

from __future__ import annotations

import copy
import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.engine.rules import DISTINCT, PHYSICAL_NAME, TAGGED
from tools.diff.comparison.replacements import replacement
from tools.diff.comparison.values import differences
from tools.preview.answers import ACCOUNT, Answers, Place
from tools.preview.created import created
from tools.preview.recording import COMPUTED

PACKAGES = ("aws", "docker", "kubernetes", "random")

Properties = dict[str, Any]


def type_and_name(urn: str) -> tuple[str, str]:
    """Splits a URN into the resource's type, without its parents', and its logical name."""
    _, _, types, name = urn.split("::", 3)
    return types.rpartition("$")[2], name


@dataclass(frozen=True)
class Operation:
    """A successful create, update or delete."""

    kind: str
    """`create`, `update` or `delete`."""
    type: str
    name: str
    """Logical name."""
    inputs: Properties


@dataclass(frozen=True)
class Existing:
    """A resource in the account."""

    urn: str
    inputs: Properties
    names: frozenset[str]
    """By which others refer to it: ID, ARN, physical name."""

    @property
    def tagged(self) -> bool:
        """Whether its type takes tags."""
        return type_and_name(self.urn)[0] in TAGGED

    @property
    def distinct(self) -> tuple[str, ...]:
        """What no other resource may have; empty if any may have the same inputs."""
        type_, _ = type_and_name(self.urn)
        keys = DISTINCT.get(type_, PHYSICAL_NAME.get(type_, "")).split()
        return (type_, *(str(self.inputs[key]) for key in keys)) if keys else ()


@dataclass
class World:
    """State that all doubles share: operations in order, and failures to inject."""

    operations: list[Operation] = field(default_factory=list)
    failing: dict[str, str] = field(default_factory=dict)
    """Error messages by logical name; its create and update fail with them."""
    waiting: dict[str, threading.Event] = field(default_factory=dict)
    """Events by logical name; its create blocks until the event is set."""
    reached: threading.Event = field(default_factory=threading.Event)
    """Set once a create blocks."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    secrets: list[str] = field(default_factory=list)
    """All generated passwords."""
    made: int = 0
    account: dict[str, Existing] = field(default_factory=dict)
    """AWS resources by ID."""

    def hold(self, name: str) -> threading.Event:
        """Blocks the create of a logical name until the returned event is set, for up to 60 s."""
        self.waiting[name] = threading.Event()
        return self.waiting[name]

    def done(self, kind: str, urn: str, inputs: Properties, id_: str, names: set[str]) -> None:
        """Records an operation. names: by which others refer to an AWS resource.

        Raises ValueError with the operation's message in `failing`, or if AWS would refuse it.
        """
        type_, name = type_and_name(urn)
        if kind == "create" and name in self.waiting:
            self.reached.set()
            self.waiting[name].wait(60)
        if kind != "delete" and name in self.failing:
            raise ValueError(self.failing[name])
        with self.lock:
            if type_.startswith("aws:") and kind == "delete":
                self._remove(id_)
            elif type_.startswith("aws:"):
                self._put(id_, Existing(urn, inputs, frozenset(names)))
            self.operations.append(Operation(kind, type_, name, inputs))

    def _put(self, id_: str, existing: Existing) -> None:
        others = {each.distinct for key, each in self.account.items() if key != id_}
        if existing.distinct and existing.distinct in others:
            raise ValueError(f"{' '.join(existing.distinct)} already exists")
        self.account[id_] = existing

    def _remove(self, id_: str) -> None:
        gone = self.account[id_]
        for key, other in self.account.items():
            if key != id_ and gone.names & _strings(other.inputs):
                raise ValueError(f"{id_} is in use by {other.urn}")
        del self.account[id_]

    def next(self) -> str:
        """A unique suffix of eight hex digits, the same in every run."""
        with self.lock:
            self.made += 1
            return hashlib.sha256(str(self.made).encode()).hexdigest()[:8]

    def names(self, kind: str) -> list[str]:
        """Logical names of all operations of a kind, in order."""
        return [each.name for each in self.operations if each.kind == kind]

    def twice(self) -> list[tuple[str, str]]:
        """Types and logical names of resources created more than once."""
        made = [(each.type, each.name) for each in self.operations if each.kind == "create"]
        return sorted({each for each in made if made.count(each) > 1})


class Double(provider_pb2_grpc.ResourceProviderServicer):
    """The plugin of one package."""

    def __init__(self, package: str, world: World) -> None:
        self.package, self.world = package, world
        self._answers = Answers()
        self._region = "us-east-1"
        self._default_tags: dict[str, str] = {}

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_resources=True)

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="99.0.0")

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema="{}")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        same = request.old_inputs == request.news
        response = provider_pb2.DiffResponse
        return response(changes=response.DIFF_NONE if same else response.DIFF_SOME)

    def Configure(self, request: Any, context: Any) -> Any:
        self._region = request.variables.get("aws:config:region", self._region)
        tags = json.loads(request.variables.get("aws:config:defaultTags", "{}"))
        self._default_tags = tags.get("tags", {})
        # Without preview support every output is unknown in a preview, the hardest case.
        return provider_pb2.ConfigureResponse(acceptResources=True, supportsPreview=False)

    def Check(self, request: Any, context: Any) -> Any:
        inputs, olds = _plain(request.news), _plain(request.olds)
        type_, name = type_and_name(request.urn)
        if self.package == "kubernetes" and isinstance(inputs.get("metadata"), dict):
            metadata = inputs["metadata"]
            before = olds.get("metadata", {}).get("name")
            generated = {"name": metadata.get("name") or before or f"{name}-{self.world.next()}"}
            inputs["metadata"] = {**metadata, **generated}
        if type_ in TAGGED:
            inputs["tags"] = {**self._default_tags, **inputs.get("tags", {})}
        key = PHYSICAL_NAME.get(type_)
        if key and key not in inputs:
            inputs["__defaults"] = [key]
            before = olds.get(key) if olds.get("__defaults") == [key] else None
            inputs[key] = before or f"{name}-{self.world.next()[:7]}"
        return provider_pb2.CheckResponse(inputs=_struct(inputs))

    def Diff(self, request: Any, context: Any) -> Any:
        olds, news = _plain(request.old_inputs), _plain(request.news)
        found = [each for each in differences(olds, news) if each.path[0] != "__defaults"]
        changed = sorted({each.path[0] for each in found})
        response = provider_pb2.DiffResponse
        if not changed:
            return response(changes=response.DIFF_NONE)
        type_, name = type_and_name(request.urn)
        rules = replacement(type_)
        replaces = sorted(
            {e.path[0] for e in found if rules.by(e.path, unknown=e.after == COMPUTED)}
        )
        if self.package == "kubernetes":
            fixed = not _generated(name, olds)
        else:
            key = PHYSICAL_NAME.get(type_)
            fixed = key is not None and key not in {*changed, *news.get("__defaults", [])}
        return response(
            changes=response.DIFF_SOME,
            diffs=changed,
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and fixed,
        )

    def Create(self, request: Any, context: Any) -> Any:
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        inputs = _plain(request.properties)
        type_, name = type_and_name(request.urn)
        id_, outputs = self._made(type_, name, inputs)
        if not self._do("create", request, context, inputs, id_, outputs):
            return provider_pb2.CreateResponse()
        if type_ == "random:index/randomPassword:RandomPassword":
            self.world.secrets.append(outputs["result"])
        return provider_pb2.CreateResponse(id=id_, properties=_struct(outputs))

    def _made(self, type_: str, name: str, inputs: Properties) -> tuple[str, Properties]:
        """ID and outputs of a new resource."""
        id_, outputs = created(type_, name, inputs, Place(self._region))
        suffix = self.world.next()
        if type_ == "random:index/randomPassword:RandomPassword":
            id_, outputs["result"] = "none", f"secret-{suffix}"
        elif type_ == "random:index/randomId:RandomId":
            id_ = outputs["hex"] = suffix
        elif self.package == "kubernetes":
            metadata = inputs.get("metadata", {})
            id_ = "/".join(
                part for part in (metadata.get("namespace"), metadata.get("name", name)) if part
            )
        else:
            id_ = f"{id_}-{suffix}"
        if self.package == "aws":
            key = PHYSICAL_NAME.get(type_)
            if key:
                outputs[key] = inputs[key]
            outputs["arn"] = (
                f"arn:aws:standin:{self._region}:{ACCOUNT}:{outputs[key] if key else id_}"
            )
        return id_, outputs

    def Update(self, request: Any, context: Any) -> Any:
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)
        inputs, before = _plain(request.news), _plain(request.olds)
        type_, name = type_and_name(request.urn)
        _, outputs = created(type_, name, inputs, Place(self._region))
        outputs = {**outputs, **{key: before[key] for key in ("arn", "bucket") if key in before}}
        kept = {key: value for key, value in before.items() if key not in outputs}
        if not self._do("update", request, context, inputs, request.id, outputs):
            return provider_pb2.UpdateResponse()
        return provider_pb2.UpdateResponse(properties=_struct({**kept, **outputs}))

    def Delete(self, request: Any, context: Any) -> Any:
        self._do("delete", request, context, {}, request.id, {})
        return empty_pb2.Empty()

    def _do(
        self,
        kind: str,
        request: Any,
        context: Any,
        inputs: Properties,
        id_: str,
        outputs: Properties,
    ) -> bool:
        key = PHYSICAL_NAME.get(type_and_name(request.urn)[0], "arn")
        names = {id_, *(outputs[each] for each in (key, "arn") if each in outputs)}
        try:
            self.world.done(kind, request.urn, copy.deepcopy(inputs), id_, names)
        except ValueError as error:
            context.set_code(grpc.StatusCode.UNKNOWN)
            context.set_details(str(error))
            return False
        return True

    def Read(self, request: Any, context: Any) -> Any:
        return provider_pb2.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )

    def Invoke(self, request: Any, context: Any) -> Any:
        arguments = _plain(request.args)
        answer = self._answers.look_up(request.tok, arguments, Place(self._region))
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(_struct(answer))  # `return` is a keyword
        return response

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


def _generated(name: str, inputs: Properties) -> bool:
    metadata = inputs.get("metadata")
    # Unknown while the namespace is being replaced.
    return isinstance(metadata, dict) and str(metadata.get("name")).startswith(f"{name}-")


def _strings(value: Any) -> set[str]:
    """All strings in a value."""
    if isinstance(value, dict):
        return set().union(*map(_strings, value.values()))
    if isinstance(value, list):
        return set().union(*map(_strings, value))
    return {value} if isinstance(value, str) else set()


def _plain(struct: struct_pb2.Struct) -> Properties:
    return json_format.MessageToDict(struct)


def _struct(properties: Properties) -> struct_pb2.Struct:
    return json_format.ParseDict(properties, struct_pb2.Struct())


@contextmanager
def served(world: World, packages: Sequence[str] = PACKAGES) -> Iterator[str]:
    """Serves a double per package. Yields the value of PULUMI_DEBUG_PROVIDERS."""
    servers, ports = [], {}
    for package in packages:
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=32))
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(Double(package, world), server)
        ports[package] = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
    try:
        yield ",".join(f"{package}:{port}" for package, port in ports.items())
    finally:
        for server in servers:
            server.stop(None)
