"""Provider plugins that create nothing: gRPC servers that the engine attaches to.

Unlike mocks, they generate names, replace resources and fail on demand. Outputs of AWS resources
come from the offline preview.
"""

from __future__ import annotations

import copy
import hashlib
import threading
from collections.abc import Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tools.preview.answers import Answers, created

PACKAGES = ("aws", "docker", "kubernetes", "random")

Properties = dict[str, Any]

# Inputs whose change replaces the resource, by type; "*" means every input. For AWS: what
# Terraform's provider 5.100 plans for each input that the program sets; it updates all others in
# place.
# fmt: off
_REPLACED_BY = {
    "random:index/randomPassword:RandomPassword": "*",
    "random:index/randomId:RandomId": "*",
    "aws:acm/certificate:Certificate": "domainName validationMethod",
    "aws:acm/certificateValidation:CertificateValidation": "*",
    "aws:cloudwatch/logGroup:LogGroup": "name",
    "aws:ec2/securityGroup:SecurityGroup": "description name vpcId",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "*",
    "aws:ecr/repository:Repository": "encryptionConfigurations name",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": "clusterName namespace serviceAccount",
    "aws:iam/policy:Policy": "description name",
    "aws:iam/role:Role": "name",
    "aws:iam/rolePolicy:RolePolicy": "name role",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "*",
    "aws:rds/cluster:Cluster": "clusterIdentifier databaseName dbSubnetGroupName engine engineMode "
    "kmsKeyId masterUsername snapshotIdentifier storageEncrypted",
    "aws:rds/clusterInstance:ClusterInstance": "clusterIdentifier dbSubnetGroupName engine "
    "identifier",
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": "description family name",
    "aws:rds/subnetGroup:SubnetGroup": "name",
    "aws:route53/record:Record": "name zoneId",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "bucket",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "bucket",
    "aws:s3/bucketPolicy:BucketPolicy": "bucket",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
        "bucket",
    "aws:s3/bucketVersioning:BucketVersioning": "bucket",
    "aws:secretsmanager/secret:Secret": "name",
    "aws:secretsmanager/secretVersion:SecretVersion": "secretId secretString",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "securityGroupId",
    "kubernetes:batch/v1:Job": "spec",
    "kubernetes:core/v1:ConfigMap": "data",
    "kubernetes:core/v1:Secret": "stringData type",
}
# fmt: on


# The input with the physical name, where the program sets it. If that doesn't change, AWS rejects a
# second resource, so the old one is deleted first.
_NAMED = {
    "aws:cloudwatch/logGroup:LogGroup": "name",
    "aws:ecr/repository:Repository": "name",
    "aws:rds/cluster:Cluster": "clusterIdentifier",
}


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

    def hold(self, name: str) -> threading.Event:
        """Blocks the create of a logical name until the returned event is set, for up to 60 s."""
        self.waiting[name] = threading.Event()
        return self.waiting[name]

    def done(self, kind: str, urn: str, inputs: Properties) -> None:
        """Records an operation. Raises ValueError with its message in `failing`."""
        type_, name = type_and_name(urn)
        if kind == "create" and name in self.waiting:
            self.reached.set()
            self.waiting[name].wait(60)
        if kind != "delete" and name in self.failing:
            raise ValueError(self.failing[name])
        with self.lock:
            self.operations.append(Operation(kind, type_, name, inputs))

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
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        self._region = request.variables.get("aws:config:region", self._region)
        # Without preview support every output is unknown in a preview, the hardest case.
        return provider_pb2.ConfigureResponse(acceptResources=True, supportsPreview=False)

    def Check(self, request: Any, context: Any) -> Any:
        inputs = _plain(request.news)
        if self.package == "kubernetes" and "metadata" in inputs:
            inputs = self._named(request.urn, inputs, _plain(request.olds))
        return provider_pb2.CheckResponse(inputs=_struct(inputs))

    def _named(self, urn: str, inputs: Properties, olds: Properties) -> Properties:
        metadata = inputs["metadata"]
        if isinstance(metadata, dict) and not metadata.get("name"):
            before = olds.get("metadata", {}).get("name")
            _, name = type_and_name(urn)
            generated = before or f"{name}-{self.world.next()}"
            return {**inputs, "metadata": {**metadata, "name": generated}}
        return inputs

    def Diff(self, request: Any, context: Any) -> Any:
        olds, news = _plain(request.old_inputs), _plain(request.news)
        changed = sorted(
            key for key in {*olds, *news} - {"__defaults"} if olds.get(key) != news.get(key)
        )
        response = provider_pb2.DiffResponse
        if not changed:
            return response(changes=response.DIFF_NONE)
        type_, name = type_and_name(request.urn)
        replacing = _REPLACED_BY.get(type_, "").split()
        replaces = changed if replacing == ["*"] else sorted({*changed} & {*replacing})
        if self.package == "kubernetes":
            fixed = not _generated(name, olds)
        else:
            fixed = type_ in _NAMED and _NAMED[type_] not in changed
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
        if not self._do("create", request.urn, inputs, context):
            return provider_pb2.CreateResponse()
        id_, outputs = created(type_, name, inputs, self._region)
        suffix = self.world.next()
        if type_ == "random:index/randomPassword:RandomPassword":
            id_, outputs["result"] = "none", f"secret-{suffix}"
            self.world.secrets.append(outputs["result"])
        elif type_ == "random:index/randomId:RandomId":
            id_ = outputs["hex"] = suffix
        elif self.package == "kubernetes":
            metadata = inputs.get("metadata", {})
            id_ = "/".join(
                part for part in (metadata.get("namespace"), metadata.get("name", name)) if part
            )
        else:
            id_ = f"{id_}-{suffix}"
        return provider_pb2.CreateResponse(id=id_, properties=_struct(outputs))

    def Update(self, request: Any, context: Any) -> Any:
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)
        inputs, before = _plain(request.news), _plain(request.olds)
        if not self._do("update", request.urn, inputs, context):
            return provider_pb2.UpdateResponse()
        type_, name = type_and_name(request.urn)
        _, outputs = created(type_, name, inputs, self._region)
        kept = {key: value for key, value in before.items() if key not in outputs}
        return provider_pb2.UpdateResponse(properties=_struct({**kept, **outputs}))

    def Delete(self, request: Any, context: Any) -> Any:
        self._do("delete", request.urn, {}, context)
        return empty_pb2.Empty()

    def _do(self, kind: str, urn: str, inputs: Properties, context: Any) -> bool:
        try:
            self.world.done(kind, urn, copy.deepcopy(inputs))
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
        answer = self._answers.look_up(request.tok, arguments, self._region)
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(_struct(answer))  # `return` is a keyword
        return response

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


def _generated(name: str, inputs: Properties) -> bool:
    return str(inputs.get("metadata", {}).get("name", "")).startswith(f"{name}-")


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
