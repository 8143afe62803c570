"""Rights in the cluster, and the service accounts that carry them.

Controls: CIS Kubernetes Benchmark 1.8.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.kubernetes import WORKLOADS, namespace, spec
from policy.node import Node
from policy.plan import Plan, Resource
from policy.rule import each, rule, some

RIGHTS = tuple(
    f"kubernetes:rbac.authorization.k8s.io/v1:{kind}" for kind in ("ClusterRole", "Role")
)
BINDINGS = tuple(f"{kind}Binding" for kind in RIGHTS)
_ANYONE = {"system:anonymous", "system:authenticated", "system:unauthenticated"}


@rule(
    "rbac-no-wildcards",
    *RIGHTS,
    controls=("CIS K8s 5.1.3",),
    severity="high",
    what="rights in the cluster name resources and verbs",
    fix="the resources and verbs that are needed",
)
def rbac_wildcards(resource: Resource, _: Plan) -> Iterator[str]:
    def check(rights: Node) -> str | None:
        wide = [key for key in ("apiGroups", "resources", "verbs") if "*" in rights.at(key).texts]
        return f"{rights.path}: * in {', '.join(wide)}" if wide else None

    yield from each(resource.inputs.at("rules").items, check)


@rule(
    "rbac-no-secrets",
    *RIGHTS,
    controls=("CIS K8s 5.1.2",),
    severity="high",
    what="no right reads every Secret of a namespace",
    fix="resourceNames with the Secrets that are needed, or no right at all",
)
def rbac_secrets(resource: Resource, _: Plan) -> Iterator[str]:
    def check(rights: Node) -> str | None:
        verbs = rights.at("verbs").texts & {"get", "list", "watch", "*"}
        secrets = rights.at("resources").texts & {"secrets", "*"}
        if not verbs or not secrets or rights.at("resourceNames").items:
            return None
        return f"{rights.path}: {', '.join(sorted(verbs))} of every Secret"

    yield from each(resource.inputs.at("rules").items, check)


_LEADING_ON = (
    ({"create", "*"}, {"pods", "*"}, "creates pods, with any service account of the namespace"),
    ({"bind", "escalate", "impersonate"}, None, "takes rights of others"),
    ({"get", "create", "*"}, {"nodes/proxy", "*"}, "runs commands in every pod of a node"),
    ({"create", "*"}, {"serviceaccounts/token", "*"}, "creates tokens of service accounts"),
)


@rule(
    "rbac-no-escalation",
    *RIGHTS,
    controls=("CIS K8s 5.1.4", "CIS K8s 5.1.8", "CIS K8s 5.1.10", "CIS K8s 5.1.13"),
    severity="high",
    what="no right leads to other rights",
    fix="leave the verb or the resource out",
)
def rbac_escalation(resource: Resource, _: Plan) -> Iterator[str]:
    def check(rights: Node) -> str | None:
        verbs, resources = rights.at("verbs").texts, rights.at("resources").texts
        for leading, on, what in _LEADING_ON:
            if verbs & leading and (on is None or resources & on):
                return f"{rights.path}: {what}"
        return None

    yield from each(resource.inputs.at("rules").items, check)


@rule(
    "pod-service-account",
    *WORKLOADS,
    controls=("CIS K8s 5.1.5",),
    what="every pod has a service account of its own",
    fix="serviceAccountName with a ServiceAccount that only these pods use",
)
def service_account(resource: Resource, _: Plan) -> Iterator[str]:
    name = spec(resource).at("serviceAccountName").text
    if name in ("", "default"):
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
    pod = spec(resource)
    if pod.at("automountServiceAccountToken").value is False:
        return
    own = (pod.at("serviceAccountName").text, namespace(resource))

    def grants(binding: Resource) -> bool:
        return some(
            binding.inputs.at("subjects").items,
            lambda subject: (subject.at("name").text, subject.at("namespace").text) == own,
        )

    if not some(plan.of(*BINDINGS), grants):
        yield "mounts a token of the API server, to which nothing grants rights"


@rule(
    "rbac-binding",
    *BINDINGS,
    controls=("CIS K8s 5.1.1",),
    severity="critical",
    whole=True,
    what="nobody becomes an administrator of the cluster, and everyone gets no right",
    fix="a Role or ClusterRole with the rights that are needed, and a service account as subject",
)
def binding(resource: Resource, plan: Plan) -> Iterator[str]:
    own = {role.urn for role in plan.of(*RIGHTS)}
    computed = resource.dependencies.get("roleRef", frozenset())
    if not computed & own and resource.inputs.at("roleRef", "name").text == "cluster-admin":
        yield "binds cluster-admin"

    def check(subject: Node) -> str | None:
        name = subject.at("name").text
        return f"{subject.path}: {name}, which is everyone" if name in _ANYONE else None

    yield from each(resource.inputs.at("subjects").items, check)
