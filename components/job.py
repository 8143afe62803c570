"""How the program's Jobs run: once for each change of what they run, and in order."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_kubernetes as k8s
from pulumi import Input, ResourceOptions

from components.labels import job_labels
from components.pod import PodArgs, pod_spec

# Seconds that a new node and pulling the image may take; Kubernetes counts them as the Job's.
SCHEDULING = 300
AWAIT_MARGIN = 30  # seconds until the engine has seen that a Job ended


def run_once(
    name: str,
    pod: PodArgs,
    container: k8s.core.v1.ContainerArgs,
    volumes: Sequence[k8s.core.v1.VolumeArgs],
    deadline: int,
    opts: ResourceOptions,
    service_account: Input[str] | None = None,
) -> k8s.batch.v1.Job:
    """A Job that is done when its pod has succeeded; what depends on it waits for that.

    Its name is generated: a changed pod is run by a new Job, then the old one goes. A failed Job
    ends the update with the last lines of its log and is run anew by the next. It has no TTL: a
    Job that deletes itself would run again after `pulumi refresh`.

    deadline: seconds after the start of its process after which it has failed. service_account:
    whose AWS role it gets, where that has one; the account's token isn't mounted.
    """
    labels = job_labels(name)
    return k8s.batch.v1.Job(
        name,
        k8s.batch.v1.JobInitArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(
                namespace=pod.objects.namespace,
                labels=labels,
                annotations={
                    "pulumi.com/replaceUnready": "true",
                    "pulumi.com/timeoutSeconds": str(deadline + SCHEDULING + AWAIT_MARGIN),
                },
            ),
            spec=k8s.batch.v1.JobSpecArgs(
                backoff_limit=0,
                active_deadline_seconds=deadline + SCHEDULING,
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels),
                    spec=pod_spec(
                        pod.settings,
                        container,
                        volumes,
                        service_account_name=service_account,
                        restart_policy="Never",
                        automount_service_account_token=False,
                    ),
                ),
            ),
        ),
        opts=opts,
    )
