"""A resource monitor that records what the program registers and refuses what the engine would."""

from __future__ import annotations

import threading
from typing import Any

from google.protobuf import empty_pb2, struct_pb2
from google.protobuf.json_format import MessageToDict, ParseDict
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockEngine, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import engine_pb2, resource_pb2

from tools.preview.answers import Answers, Place, UnansweredError, account_of, existing
from tools.preview.created import created
from tools.preview.recording import (
    COMPUTED,
    STACK_TYPE,
    Recording,
    Resource,
    is_secret,
    masked_value,
    secret,
    urn_of,
)
from tools.preview.stack_file import StackConfig

# What the SDK writes when an Output is formatted into a string.
_STRINGIFIED_OUTPUT = "Calling __str__ on an Output"


class RecordingEngine(MockEngine):
    """Keeps the program's warnings and errors."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(None)
        self._recording = recording

    def Log(self, request: Any) -> Any:
        if request.severity == engine_pb2.WARNING:
            self._recording.warnings.append(request.message)
        elif request.severity == engine_pb2.ERROR:
            self._recording.problems.append(request.message)
        return empty_pb2.Empty()


class _NoMocks(Mocks):
    """Required by the monitor's base class; the monitor answers calls itself."""

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], None]:
        raise NotImplementedError

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        raise NotImplementedError


class RecordingMonitor(MockMonitor):
    """Registers resources as the engine does on an empty stack.

    creates: False previews, so that computed properties are unknown; True gives them stand-ins.
    Problems are collected in `recording.problems`, and the run continues to find the next.
    """

    def __init__(self, config: StackConfig, creates: bool) -> None:
        super().__init__(mocks=_NoMocks())
        self.recording = Recording()
        self._config, self._creates = config, creates
        self._answers, self._account = Answers(), account_of(config)
        self._lock = threading.Lock()  # requests arrive from several threads

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        return urn_of(self._config.stack, self._config.project, parent, type_, name)

    def RegisterResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs = _plain(request.object)
        resource = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=request.custom,
            raw_inputs=inputs,
            dependencies=sorted(request.dependencies),
            property_dependencies={
                key: sorted(value.urns)
                for key, value in sorted(request.propertyDependencies.items())
                if value.urns
            },
            protect=request.protect,
            provider=request.provider.replace(rpc.UNKNOWN, COMPUTED),
            ignore_changes=sorted(request.ignoreChanges),
            replace_on_changes=sorted(request.replaceOnChanges),
            retain_on_delete=request.retainOnDelete,
            replacement_trigger=_plain_value(request.replacement_trigger),
            replace_with=sorted(request.replace_with),
            aliases=[MessageToDict(alias) for alias in request.aliases],
        )
        if request.custom:
            self._refuse_default_provider(request.type, request.provider, f"resource {urn}")
        if _STRINGIFIED_OUTPUT in str(inputs):
            self._refuse(f"{urn}: an Output was formatted into a string; use Output.format")
        with self._lock:
            known = urn in self.recording.resources
            self.recording.resources[urn] = resource
        if known:
            self._refuse(f"Duplicate resource URN '{urn}'; try giving it a unique name")
        if not request.custom:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        identity, outputs = self._outputs(resource)
        for name in request.additionalSecretOutputs:
            if not is_secret(outputs.get(name)):
                value = outputs.get(name, None if self._creates else rpc.UNKNOWN)
                outputs[name] = secret(value)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identity, object=_struct(outputs))

    def _outputs(self, resource: Resource) -> tuple[str, dict[str, Any]]:
        inputs = dict(resource.raw_inputs)
        if self._creates:
            return created(resource.type, resource.name, inputs, self._place(resource.provider))
        if resource.type.startswith("kubernetes:") and "name" not in inputs.get("metadata", "name"):
            inputs["metadata"] = {**inputs["metadata"], "name": rpc.UNKNOWN}
        return "", inputs

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if request.urn.split("::")[2] == STACK_TYPE:
            self.recording.outputs = masked_value(_plain(request.outputs))
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:
        self._refuse_default_provider(request.tok, request.provider, f"look-up {request.tok}")
        arguments = _plain(request.args)
        with self._lock:
            self.recording.look_ups.append((request.tok, arguments))
        try:
            answer = self._answers.look_up(request.tok, arguments, self._place(request.provider))
        except UnansweredError as error:
            self._refuse(str(error))
            raise
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").CopyFrom(_struct(answer))  # a keyword of Python's
        return response

    def ReadResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        self._refuse_default_provider(request.type, request.provider, f"resource {urn}")
        try:
            found = existing(request.type, request.id)
        except UnansweredError as error:
            self._refuse(str(error))
            raise
        with self._lock:
            self.recording.reads.append((request.type, request.id))
            self.recording.read_urns.append(urn)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=_struct(found))

    def _refuse_default_provider(self, token: str, provider: str, what: str) -> None:
        package = token.partition(":")[0]
        if package in self._config.explicit_packages and not provider:
            self._refuse(
                f"Default provider for '{package}' disabled. {what} must use an explicit provider"
            )

    def _place(self, provider: str) -> Place:
        with self._lock:
            known = self.recording.resources.get(provider.rpartition("::")[0])
        region = known.raw_inputs.get("region") if known else None
        return Place(region if isinstance(region, str) else "us-east-1", self._account)

    def _refuse(self, problem: str) -> None:
        with self._lock:
            if problem not in self.recording.problems:
                self.recording.problems.append(problem)


def _plain(struct: struct_pb2.Struct) -> dict[str, Any]:
    """A protobuf structure as Python values; whole numbers as int, nulls left out."""
    return {
        key: _plain_value(value)
        for key, value in sorted(struct.fields.items())
        if value.WhichOneof("kind") != "null_value"
    }


def _plain_value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _plain(value.struct_value)
    if kind == "list_value":
        return [_plain_value(entry) for entry in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return getattr(value, kind) if kind and kind != "null_value" else None


def _struct(values: dict[str, Any]) -> struct_pb2.Struct:
    return ParseDict(values, struct_pb2.Struct())
