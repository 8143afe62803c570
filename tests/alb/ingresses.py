"""Prod's Ingress and what it refers to, for the real controller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from components.ingress.authentication import ANNOTATION
from tests.cluster.site import delete_ingresses
from tests.programs import changed
from tools.kubectl import Cluster, Manifest
from tools.preview.manifests import manifests

if TYPE_CHECKING:
    from tools.alb.aws import Aws

KINDS = ("Namespace", "Service", "Ingress")


def prod_ingress(aws: Aws, namespace: str, keys: Mapping[str, Any]) -> list[Manifest]:
    """Manifests in a namespace of their own, the Ingress last. Its certificate is the stand-in's.

    keys: of the configuration, changed.
    """
    recording = changed("prod", keys, creates=True).recording
    found = [
        each
        for each in manifests(recording)
        if each["kind"] in KINDS or each["metadata"]["name"] == "backstage-ingress-client"
    ]
    # Whatever the Ingress names has to exist before.
    found.sort(key=lambda each: (each["kind"] != "Namespace", each["kind"] == "Ingress"))
    annotations = annotations_of(found)
    if (key := f"{ANNOTATION}certificate-arn") in annotations:
        annotations[key] = aws.certificate(found[-1]["spec"]["rules"][0]["host"])
    for each in found:
        each["metadata"]["name" if each["kind"] == "Namespace" else "namespace"] = namespace
    return found


def annotations_of(objects: Sequence[Manifest]) -> dict[str, str]:
    """Of the Ingress, which is the last object."""
    found: dict[str, str] = objects[-1]["metadata"]["annotations"]
    return found


@contextmanager
def applied(namespace: str, objects: Sequence[Manifest]) -> Iterator[Cluster]:
    """The objects in a namespace of their own, while the context is open."""
    cluster = Cluster(namespace)
    cluster.delete_namespace()
    cluster.apply(objects)
    try:
        yield cluster
    finally:
        delete_ingresses(cluster)
        cluster.delete_namespace()
