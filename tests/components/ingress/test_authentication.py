"""Sign-in at the load balancer: what the Ingress says, and what has to exist before it."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest
from pulumi import ResourceOptions

from components.ingress import load_balancer
from components.ingress.authentication import ANNOTATION
from components.ingress.ingress import PortalIngress, PortalIngressArgs
from components.ingress.load_balancer import load_balancer_arn
from components.kubernetes.labels import SELECTOR
from settings.keys import IngressSettings
from settings.values.variables import SecretMap
from tests.components.parts import HOST, MODES, PORT, objects, run
from tests.programs import Program
from tests.settings.stack import CLIENT, COGNITO, OIDC
from tests.tokens import BINDING, INGRESS, ROLE_OF_NAMESPACE, SECRET, SERVICE

CERTIFICATE = "arn:aws:acm:eu-west-1:210987654321:certificate/0a1b"


def ingress(creates: bool, *paths: str, **keys: Any) -> Program:
    def build(opts: ResourceOptions) -> None:
        secrets = SecretMap({name: pulumi.Output.secret(value) for name, value in CLIENT.items()})
        settings = IngressSettings.model_validate(
            {"certificateArn": CERTIFICATE, "ingressAuthentication": "oidc", "ingressOidc": OIDC}
            | keys
        ).model_copy(update={"client": secrets})
        args = PortalIngressArgs(HOST, PORT, settings, objects(), {}, [], paths)
        pulumi.export("arn", load_balancer_arn("shop", settings, PortalIngress("i", args, opts)))

    return run(build, creates)


def of_sign_in(program: Program) -> dict[str, str]:
    """Those of authentication, without their prefix."""
    found = program.inputs(INGRESS)["metadata"]["annotations"]
    prefix = f"{ANNOTATION}auth-"
    return {key.removeprefix(prefix): found[key] for key in found if key.startswith(prefix)}


def test_openid_connect_names_the_provider_and_the_clients_secret() -> None:
    program = ingress(True)
    found = of_sign_in(program)
    assert json.loads(found.pop("idp-oidc")) == {**OIDC, "secretName": "i-ingress-client"}
    assert found == {
        "type": "oidc",
        "scope": "openid email profile",
        "session-cookie": "AWSELBAuthSessionCookie",
        "session-timeout": "43200",
        "on-unauthenticated-request": "authenticate",
    }
    assert program.inputs(SECRET)["stringData"] == "[secret]"
    assert program.one(SECRET).raw_inputs["stringData"]["value"] == CLIENT
    assert program.all(SERVICE) == []


@MODES
@pytest.mark.parametrize(
    ("controller", "verbs", "subject"),
    [
        ("existing", ["get", "list", "watch"], ("ServiceAccount", "aws-load-balancer-controller")),
        ("auto-mode", ["get"], ("Group", "eks:managed")),
    ],
)
def test_the_controller_may_read_this_secret_before_it_sees_the_ingress(
    creates: bool, controller: str, verbs: list[str], subject: tuple[str, str]
) -> None:
    program = ingress(creates, loadBalancerController=controller)
    [rule] = program.inputs(ROLE_OF_NAMESPACE)["rules"]
    assert (rule["resources"], rule["verbs"]) == (["secrets"], verbs)
    if creates:
        assert rule["resourceNames"] == ["i-ingress-client"]
    binding = program.one(BINDING)
    [bound] = binding.inputs["subjects"]
    assert (bound["kind"], bound["name"]) == subject
    assert bound.get("namespace") == ("kube-system" if controller == "existing" else None)
    on = set(program.one(INGRESS).dependencies)
    assert {binding.urn, program.one(SECRET).urn, program.one(ROLE_OF_NAMESPACE).urn} <= on


def test_cognito_needs_no_secret() -> None:
    cognito: dict[str, Any] = {
        "ingressAuthentication": "cognito",
        "ingressOidc": None,
        "ingressCognito": COGNITO,
    }
    program = ingress(True, **cognito, ingressSessionTimeout=3600)
    found = of_sign_in(program)
    assert found["type"] == "cognito"
    assert found["session-timeout"] == "3600"
    assert json.loads(found["idp-cognito"]) == {
        "userPoolARN": COGNITO["userPoolArn"],
        "userPoolClientID": COGNITO["clientId"],
        "userPoolDomain": COGNITO["domain"],
    }
    assert not {SECRET, ROLE_OF_NAMESPACE, BINDING} & program.types()


def test_open_paths_lead_to_a_service_without_sign_in() -> None:
    program = ingress(True, "/api/catalog", "/api/search")
    service = program.one(SERVICE)
    assert service.inputs["metadata"]["annotations"][f"{ANNOTATION}auth-type"] == "none"
    assert service.inputs["spec"]["selector"] == SELECTOR
    [rule] = program.inputs(INGRESS)["spec"]["rules"]
    backends = {each["path"]: each["backend"]["service"]["name"] for each in rule["http"]["paths"]}
    assert backends == {
        "/api/catalog": "backstage-open",
        "/api/search": "backstage-open",
        "/": "the-service",
    }
    assert service.urn in program.one(INGRESS).dependencies


@MODES
@pytest.mark.parametrize("keys", [{}, {"ingressGroup": "web"}], ids=["own", "group"])
def test_the_load_balancer_is_known_once_the_ingress_is(
    creates: bool, keys: dict[str, str]
) -> None:
    arn = ingress(creates, **keys).outputs["arn"]
    assert arn.startswith("arn:aws:elasticloadbalancing:" if creates else "<computed>")


@pytest.mark.parametrize(
    ("keys", "tags"),
    [
        (
            {},
            {
                "elbv2.k8s.aws/cluster": "shop",
                "ingress.k8s.aws/stack": "the-namespace/backstage",
                "ingress.k8s.aws/resource": "LoadBalancer",
            },
        ),
        (
            {"ingressGroup": "web"},
            {
                "elbv2.k8s.aws/cluster": "shop",
                "ingress.k8s.aws/stack": "web",
                "ingress.k8s.aws/resource": "LoadBalancer",
            },
        ),
        (
            {"loadBalancerController": "auto-mode"},
            {
                "eks:eks-cluster-name": "shop",
                "ingress.eks.amazonaws.com/stack": "the-namespace/backstage",
                "ingress.eks.amazonaws.com/resource": "LoadBalancer",
            },
        ),
    ],
    ids=["own", "group", "Auto Mode"],
)
def test_the_load_balancer_is_looked_up_by_the_controllers_tags(
    keys: dict[str, str], tags: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def look_up(self: object, token: str, arguments: dict[str, Any], region: str) -> Any:
        asked.append(arguments)
        return {"arns": ["arn:the-one"]}

    monkeypatch.setattr("tools.preview.answers.Answers.look_up", look_up)
    assert ingress(True, **keys).outputs["arn"] == "arn:the-one"
    assert [each["tags"] for each in asked] == [tags]


@pytest.mark.parametrize("arns", [[], ["arn:1", "arn:2"]])
def test_without_the_load_balancer_an_update_fails_and_a_preview_goes_on(
    arns: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(pulumi.RunError, match=f"^{len(arns)} load balancers .* of web. .*again"):
        load_balancer._only(arns, "web")
    monkeypatch.setattr(load_balancer, "is_dry_run", lambda: True)
    assert load_balancer._only(arns, "web") == pulumi.runtime.rpc.UNKNOWN
