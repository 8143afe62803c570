"""The portal's namespace."""

from __future__ import annotations

import pulumi
import pytest
from pulumi import ResourceOptions

from components.kubernetes.namespace import PortalNamespace, PortalNamespaceArgs
from tests.components.parts import MODES, run
from tests.programs import Program
from tests.tokens import NAMESPACE
from tools.preview import monitor

ENFORCE = "pod-security.kubernetes.io/enforce"


def existing(labels: dict[str, str], creates: bool, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A portal's namespace that exists with some labels, and needs gate=on."""
    metadata = {"name": "ns", "labels": labels} if labels else {"name": "ns"}
    monkeypatch.setattr(monitor, "existing", lambda type_, id_: {"metadata": metadata})

    def build(opts: ResourceOptions) -> None:
        args = PortalNamespaceArgs("ns", {"gate": "on"}, create=False)
        pulumi.export("name", PortalNamespace("n", args, opts).name)

    return run(build, creates)


@MODES
@pytest.mark.parametrize(
    ("labels", "lacking"),
    [
        ({}, [f"{ENFORCE}=restricted", "gate=on"]),
        ({"gate": "off", ENFORCE: "baseline"}, ["gate=on"]),
        ({"gate": "on", ENFORCE: "restricted"}, []),
    ],
)
def test_existing_namespace_is_read_and_the_preview_says_which_labels_it_lacks(
    labels: dict[str, str], lacking: list[str], creates: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = existing(labels, creates, monkeypatch)
    assert program.all(NAMESPACE) == []
    assert program.outputs == {"name": "ns"}
    commands = [f"kubectl label namespace ns --overwrite {label}" for label in lacking]
    found = [each.partition("Fix: ")[2] for each in program.recording.warnings]
    assert found == ([] if creates else commands)


@MODES
def test_namespace_enforces_restricted_pods(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        namespace = PortalNamespace("n", PortalNamespaceArgs("ns", {"gate": "on"}), opts)
        pulumi.export("name", namespace.name)

    program = run(build, creates)
    assert program.outputs == {"name": "ns"}
    metadata = program.inputs(NAMESPACE)["metadata"]
    assert metadata["name"] == "ns"
    assert metadata["labels"] == {
        "app.kubernetes.io/managed-by": "pulumi",
        "app.kubernetes.io/part-of": "backstage",
        "gate": "on",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
    }
