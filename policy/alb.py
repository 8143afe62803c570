"""Ingresses that AWS's controllers read: their annotations, and the parameters of their class."""

from __future__ import annotations

from policy.kubernetes import INGRESS_CLASS
from policy.node import Node, UnknownError
from policy.plan import Plan, Resource

PREFIX = "alb.ingress.kubernetes.io/"
_DEFAULT = "ingressclass.kubernetes.io/is-default-class"
_CONTROLLERS = ("eks.amazonaws.com/alb", "ingress.k8s.aws/alb")
_PARAMETERS = (
    "kubernetes:eks.amazonaws.com/v1:IngressClassParams",
    "kubernetes:elbv2.k8s.aws/v1beta1:IngressClassParams",
)


def annotation(ingress: Resource, name: str) -> Node:
    """The Ingress' annotation of this name, without the controller's prefix."""
    return ingress.inputs.at("metadata", "annotations", PREFIX + name)


def _class_name(ingress: Resource) -> str:
    legacy = ingress.inputs.at("metadata", "annotations", "kubernetes.io/ingress.class").text
    return ingress.inputs.at("spec", "ingressClassName").text or legacy


def _class(ingress: Resource, plan: Plan) -> Resource | None:
    """The Ingress' class, or the default for one without, if the plan has it."""
    name = _class_name(ingress)

    def chosen(other: Resource) -> bool:
        meta = other.inputs.at("metadata")
        default = meta.at("annotations", _DEFAULT).flag is True
        return meta.at("name").text == name if name else default

    return next(filter(chosen, plan.of(INGRESS_CLASS)), None)


def by_alb(ingress: Resource, plan: Plan) -> bool:
    """Whether AWS's controller serves the Ingress, by its class or any annotation."""
    own = _class(ingress, plan)
    if own is not None:
        return own.inputs.at("spec", "controller").text in _CONTROLLERS
    annotations = ingress.inputs.at("metadata", "annotations").entries
    return _class_name(ingress) == "alb" or any(name.startswith(PREFIX) for name in annotations)


def parameters(ingress: Resource, plan: Plan) -> Node:
    """The spec of the class's IngressClassParams, whose fields override annotations.

    Empty where the plan has no class: whoever creates it decides what it overrides.
    """
    own = _class(ingress, plan)
    named = own.inputs.at("spec", "parameters", "name").text if own else ""
    if not named:
        return Node(None)
    for each in plan.of(*_PARAMETERS):
        if each.inputs.at("metadata", "name").text == named:
            return each.inputs.at("spec")
    raise UnknownError(f"IngressClassParams {named}, outside the plan")


def attribute(ingress: Resource, plan: Plan, name: str, kind: str = "load-balancer") -> str | None:
    """An attribute: of the class, or in the annotation, which lists them as name=value."""
    if kind == "load-balancer":
        for each in parameters(ingress, plan).at("loadBalancerAttributes").items:
            if each.at("key").text == name:
                return each.at("value").text
    listed = annotation(ingress, f"{kind}-attributes").text
    pairs = (each.partition("=") for each in listed.split(",") if each)
    return {key.strip(): value.strip() for key, _, value in pairs}.get(name)


def setting(ingress: Resource, plan: Plan, field: str, name: str) -> Node:
    """What the class or the annotation says. field: of IngressClassParams."""
    given = parameters(ingress, plan).at(field)
    return given if given.raw is not None else annotation(ingress, name)


def certified(ingress: Resource, plan: Plan) -> bool:
    """Whether a certificate is named, with which the default is HTTPS."""
    own = parameters(ingress, plan)
    named = (own.at("certificateARNs"), own.at("certificateArn"))
    return any(node.raw is not None for node in (*named, annotation(ingress, "certificate-arn")))


def protocols(ingress: Resource, plan: Plan) -> set[str]:
    """Protocols of the listeners, without one that only redirects to HTTPS."""
    listed = annotation(ingress, "listen-ports").json
    if listed.raw is None:
        return {"HTTPS" if certified(ingress, plan) else "HTTP"}
    found = {protocol for each in listed.items for protocol in each.entries}
    redirects = setting(ingress, plan, "sslRedirectPort", "ssl-redirect").text
    return found - {"HTTP"} if redirects and "HTTPS" in found else found
