"""IAM policies and trust, rights in the cluster, and the service accounts that carry them.

Controls: AWS Security Hub's user guide, November 2026; CIS Kubernetes Benchmark 1.9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from policy.kubernetes import WORKLOADS, namespace, spec
from policy.node import Node
from policy.plan import Plan, Resource
from policy.rule import each, rule, some

ROLE = "aws:iam/role:Role"
POLICIES = tuple(
    f"aws:iam/{kind}:{kind[:1].upper()}{kind[1:]}"
    for kind in ("policy", "rolePolicy", "userPolicy", "groupPolicy")
)
ATTACHMENTS = tuple(
    f"aws:iam/{kind}PolicyAttachment:{kind[:1].upper()}{kind[1:]}PolicyAttachment"
    for kind in ("role", "user", "group")
)
RIGHTS = tuple(
    f"kubernetes:rbac.authorization.k8s.io/v1:{kind}" for kind in ("ClusterRole", "Role")
)
BINDINGS = tuple(f"{kind}Binding" for kind in RIGHTS)
_DECRYPTING = {"kms:decrypt", "kms:reencryptfrom", "kms:reencrypt*", "kms:*", "*"}


def _texts(node: Node) -> set[str]:
    return {item.text for item in node.items}


def _allowing(policy: Node, check: Callable[[Node], str | None]) -> Iterator[str]:
    """What a check says of each statement of a policy that allows something."""

    def allowed(statement: Node) -> str | None:
        return check(statement) if statement.at("Effect").text == "Allow" else None

    yield from each(policy.json.at("Statement").items, allowed)


@rule(
    "iam-no-admin",
    *POLICIES,
    *ATTACHMENTS,
    controls=("IAM.1", "CIS AWS 1.16"),
    severity="high",
    what="no policy allows everything",
    fix="the actions that are needed, on the resources that need them",
)
def no_admin(resource: Resource, _: Plan) -> Iterator[str]:
    def check(statement: Node) -> str | None:
        if statement.at("NotAction").raw is not None:
            return "a statement allows every action but those of NotAction"
        return "a statement allows every action" if "*" in _texts(statement.at("Action")) else None

    if resource.type in ATTACHMENTS:
        if resource.inputs.at("policyArn").text.endswith(":policy/AdministratorAccess"):
            yield "attaches AdministratorAccess"
    else:
        yield from _allowing(resource.inputs.at("policy"), check)


@rule(
    "iam-no-wildcard-actions",
    *POLICIES,
    controls=("IAM.21",),
    severity="low",
    what="no policy allows all actions of a service",
    fix="the actions that are needed",
)
def no_wildcards(resource: Resource, _: Plan) -> Iterator[str]:
    def check(statement: Node) -> str | None:
        whole = sorted(a for a in _texts(statement.at("Action")) if a.endswith(":*"))
        return f"a statement allows {', '.join(whole)}" if whole else None

    yield from _allowing(resource.inputs.at("policy"), check)


@rule(
    "iam-kms-decrypt",
    *POLICIES,
    controls=("KMS.1", "KMS.2"),
    what="no policy decrypts with every key",
    fix="the ARNs of the keys",
)
def kms_decrypt(resource: Resource, _: Plan) -> Iterator[str]:
    def check(statement: Node) -> str | None:
        if not {action.lower() for action in _texts(statement.at("Action"))} & _DECRYPTING:
            return None
        everywhere = {
            r for r in _texts(statement.at("Resource")) if r == "*" or r.endswith("key/*")
        }
        return "a statement decrypts with every key" if everywhere else None

    yield from _allowing(resource.inputs.at("policy"), check)


@rule(
    "iam-trust",
    ROLE,
    severity="critical",
    what="a role names who may assume it",
    fix="the service, the account, or the identities of a provider by a Condition on `sub`",
)
def trust(resource: Resource, _: Plan) -> Iterator[str]:
    def check(statement: Node) -> str | None:
        principal = statement.at("Principal")
        named = [principal, *principal.entries.values()]
        if any("*" in _texts(each) for each in named if not isinstance(each.raw, dict)):
            return "any AWS account may assume the role"
        if principal.at("Federated").raw is not None and not statement.at("Condition").entries:
            return "every identity of the provider may assume the role"
        return None

    yield from _allowing(resource.inputs.at("assumeRolePolicy"), check)


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
        wide = [key for key in ("apiGroups", "resources", "verbs") if "*" in _texts(rights.at(key))]
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
        verbs = _texts(rights.at("verbs")) & {"get", "list", "watch", "*"}
        secrets = _texts(rights.at("resources")) & {"secrets", "*"}
        if not verbs or not secrets or rights.at("resourceNames").items:
            return None
        return f"{rights.path}: {', '.join(sorted(verbs))} of every Secret"

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
