"""Service accounts of pods, and their tokens.

Controls: CIS Kubernetes Benchmark 1.8.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.kubernetes import SERVICE_ACCOUNT, WORKLOADS, account, namespace, spec
from policy.plan import Plan, Resource
from policy.rule import rule, some
from policy.rules.access import BINDINGS


@rule(
    "pod-service-account",
    *WORKLOADS,
    controls=("CIS K8s 5.1.5",),
    what="every pod has a service account of its own",
    fix="serviceAccountName with a ServiceAccount that only these pods use",
)
def service_account(resource: Resource, _: Plan) -> Iterator[str]:
    if account(resource) in ("", "default"):
        yield "runs as the default service account: a right for one pod is one for all"


@rule(
    "pod-token",
    *WORKLOADS,
    controls=("CIS K8s 5.1.6",),
    whole=True,
    what="a pod has a token of the API server only if something grants it rights",
    fix="automountServiceAccountToken: false in the pod",
)
def token(resource: Resource, plan: Plan) -> Iterator[str]:
    own = (account(resource), namespace(resource))
    if not _mounted(resource, plan, own):
        return

    def grants(binding: Resource) -> bool:
        return some(
            binding.inputs.at("subjects").items,
            lambda subject: (
                (subject.at("name").text, subject.at("namespace").text) == own
                or subject.at("name").text == f"system:serviceaccounts:{own[1]}"
            ),
        )

    if not some(plan.of(*BINDINGS), grants):
        yield "mounts an API server token, to which nothing grants rights"


def _mounted(resource: Resource, plan: Plan, own: tuple[str, str]) -> bool:
    """Whether a pod has a token for the API server, by itself, its account or a volume."""
    sources = [
        source.at("serviceAccountToken")
        for volume in spec(resource).at("volumes").items
        for source in volume.at("projected", "sources").items
    ]
    if some(sources, lambda source: bool(source.entries) and not source.at("audience").text):
        return True
    given = spec(resource).at("automountServiceAccountToken").flag
    if given is not None:
        return given

    def refuses(other: Resource) -> bool:
        named = (other.inputs.at("metadata", "name").text, namespace(other))
        return named == own and other.inputs.at("automountServiceAccountToken").flag is False

    return not some(plan.of(SERVICE_ACCOUNT), refuses)
