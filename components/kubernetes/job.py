"""Jobs that run once for each change of what they run, and in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from components.kubernetes.labels import job_labels
from components.kubernetes.names import name_of
from components.kubernetes.pods import PodImage, pod_spec, service_account

# Seconds that a new node and pulling the image may take; Kubernetes counts them as the Job's.
SCHEDULING = 300
AWAIT_MARGIN = 30  # seconds until the engine has seen that a Job ended


@dataclass(frozen=True)
class JobPod:
    """The pod of a Job.

    deadline: seconds after the start of its process after which it has failed.
    """

    service_account: Input[str]
    """Of `job_account`."""
    labels: Mapping[str, str]
    image: PodImage
    user: int
    container: k8s.core.v1.ContainerArgs
    volumes: Sequence[k8s.core.v1.VolumeArgs]
    deadline: int


def job_account(
    name: str,
    namespace: Input[str],
    annotations: Mapping[str, Input[str]],
    opts: ResourceOptions,
) -> Output[str]:
    """Creates the service account of a Job's pod. Returns its name, which is `name`."""
    account = service_account(
        f"{name}-service-account",
        k8s.meta.v1.ObjectMetaArgs(
            name=name,
            namespace=namespace,
            labels=job_labels(name),
            annotations=annotations or None,
        ),
        opts,
    )
    return name_of(account)


def run_once(
    name: str, namespace: Input[str], pod: JobPod, opts: ResourceOptions
) -> k8s.batch.v1.Job:
    """Creates a Job. It is done when its pod has succeeded; what depends on it waits for that.

    Its name is generated: a changed pod runs in a new Job, then the old one is deleted. A failed
    Job fails the update with the last lines of its log, and the next update runs it again. There is
    no TTL: a Job that deletes itself would run again after `pulumi refresh`.
    """
    return k8s.batch.v1.Job(
        name,
        k8s.batch.v1.JobInitArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=namespace,
                labels=pod.labels,
                annotations={
                    "pulumi.com/replaceUnready": "true",
                    "pulumi.com/timeoutSeconds": str(pod.deadline + SCHEDULING + AWAIT_MARGIN),
                },
            ),
            spec=k8s.batch.v1.JobSpecArgs(
                backoff_limit=0,
                active_deadline_seconds=pod.deadline + SCHEDULING,
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=pod.labels),
                    spec=pod_spec(
                        pod.image,
                        pod.user,
                        pod.container,
                        pod.volumes,
                        service_account_name=pod.service_account,
                        restart_policy="Never",
                        automount_service_account_token=False,
                    ),
                ),
            ),
        ),
        opts=opts,
    )
