"""The doubles refuse what AWS refuses, and change what the real providers change."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2

from tests.engine.doubles import Double, World
from tests.programs import ROOT
from tools.diff.comparison.replacements import table

STACK = "urn:pulumi:dev::backstage::"
GROUP = "aws:rds/clusterParameterGroup:ClusterParameterGroup"
CLUSTER = "aws:rds/cluster:Cluster"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"


class Refused:
    """A gRPC context that keeps the error."""

    details = ""

    def set_code(self, code: Any) -> None:
        pass

    def set_details(self, details: str) -> None:
        self.details = details


class Account:
    """A double of aws, called as the engine does. Methods return the error, if any."""

    def __init__(self, tags: dict[str, str] | None = None) -> None:
        self.double = Double("aws", World())
        self.configure(tags or {})

    def configure(self, tags: dict[str, str]) -> None:
        text = json.dumps({"tags": tags})
        request = provider_pb2.ConfigureRequest(variables={"aws:config:defaultTags": text})
        self.double.Configure(request, None)

    def checked(
        self, type_: str, logical: str, olds: dict[str, Any], **news: Any
    ) -> dict[str, Any]:
        request = provider_pb2.CheckRequest(
            urn=f"{STACK}{type_}::{logical}", olds=struct(olds), news=struct(news)
        )
        return json_format.MessageToDict(self.double.Check(request, None).inputs)

    def create(self, type_: str, logical: str, **given: Any) -> tuple[str, dict[str, Any], str]:
        """ID, outputs, error."""
        inputs, context = self.checked(type_, logical, {}, **given), Refused()
        request = provider_pb2.CreateRequest(
            urn=f"{STACK}{type_}::{logical}", properties=struct(inputs)
        )
        made = self.double.Create(request, context)
        return made.id, json_format.MessageToDict(made.properties), context.details

    def delete(self, type_: str, logical: str, id_: str) -> str:
        context = Refused()
        request = provider_pb2.DeleteRequest(urn=f"{STACK}{type_}::{logical}", id=id_)
        self.double.Delete(request, context)
        return context.details

    def diff(self, type_: str, olds: dict[str, Any], news: dict[str, Any]) -> Any:
        request = provider_pb2.DiffRequest(
            urn=f"{STACK}{type_}::it", old_inputs=struct(olds), news=struct(news)
        )
        return self.double.Diff(request, None)


def struct(value: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(value, struct_pb2.Struct())


def test_the_doubles_know_every_type_of_the_stacks() -> None:
    urns = "".join(file.read_text() for file in (ROOT / "tests" / "golden").glob("*.txt"))
    types = set(re.findall(r"[:$](aws:\w+/\w+:\w+)::", urns))
    assert CLUSTER in types
    assert types <= table().keys()


def test_a_name_that_exists_is_refused() -> None:
    account = Account()
    name = "/aws/rds/cluster/backstage-dev-1/postgresql"
    id_, _, error = account.create(LOGS, "first", name=name)
    assert error == ""
    assert "already exists" in account.create(LOGS, "second", name=name)[2]
    assert account.delete(LOGS, "first", id_) == ""
    assert account.create(LOGS, "second", name=name)[2] == ""


def test_a_service_account_has_one_association() -> None:
    account = Account()
    given = {"clusterName": "platform", "namespace": "kube-system", "serviceAccount": "controller"}
    assert account.create(ASSOCIATION, "first", **given)[2] == ""
    assert "already exists" in account.create(ASSOCIATION, "second", **given)[2]
    assert account.create(ASSOCIATION, "third", **{**given, "namespace": "backstage"})[2] == ""


def test_what_another_resource_uses_is_not_deleted() -> None:
    account = Account()
    group, outputs, _ = account.create(GROUP, "group", family="aurora-postgresql17")
    used = {"clusterIdentifier": "backstage", "dbClusterParameterGroupName": outputs["name"]}
    cluster, _, _ = account.create(CLUSTER, "cluster", **used)
    assert "in use" in account.delete(GROUP, "group", group)
    assert account.delete(CLUSTER, "cluster", cluster) == ""
    assert account.delete(GROUP, "group", group) == ""


def test_generated_names_stay_until_the_resource_is_replaced() -> None:
    account = Account()
    first = account.checked(GROUP, "group", {}, family="aurora-postgresql17")
    assert first["name"].startswith("group-")
    assert account.checked(GROUP, "group", first, description="other")["name"] == first["name"]
    # The engine checks a replacement without the old inputs.
    assert (
        account.checked(GROUP, "group", {}, family="aurora-postgresql18")["name"] != first["name"]
    )


@pytest.mark.parametrize("given", ["fixed", None])
def test_a_fixed_name_is_deleted_before_it_is_created_again(given: str | None) -> None:
    account = Account()
    names = {"name": given} if given else {}
    before = account.checked(GROUP, "it", {}, family="aurora-postgresql17", **names)
    after = account.checked(GROUP, "it", before, family="aurora-postgresql18", **names)
    diff = account.diff(GROUP, before, after)
    assert list(diff.replaces) == ["family"]
    assert diff.deleteBeforeReplace is (given is not None)


def test_default_tags_are_inputs_of_each_resource() -> None:
    account = Account({"team": "platform", "stack": "dev"})
    before = account.checked(GROUP, "it", {}, tags={"team": "own"})
    assert before["tags"] == {"team": "own", "stack": "dev"}
    account.configure({"team": "platform", "stack": "dev", "owner": "portal"})
    after = account.checked(GROUP, "it", before, tags={"team": "own"})
    diff = account.diff(GROUP, before, after)
    assert (list(diff.diffs), list(diff.replaces)) == (["tags"], [])


def test_an_object_in_another_namespace_is_another_object() -> None:
    double = Double("kubernetes", World())
    first, second = (
        struct({"metadata": {"name": "backstage", "namespace": each}, "spec": {}})
        for each in ("backstage", "portal")
    )
    request = provider_pb2.DiffRequest(
        urn=f"{STACK}kubernetes:core/v1:Service::it", old_inputs=first, news=second
    )
    diff = double.Diff(request, None)
    assert (list(diff.replaces), diff.deleteBeforeReplace) == (["metadata"], True)
