"""Sign-in at the load balancer: its annotations, the client's Secret, and a way around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from components.ingress.load_balancer_controller import NAMESPACE, SERVICE_ACCOUNT
from components.kubernetes.labels import LABELS
from components.kubernetes.names import name_of
from components.kubernetes.rights import grant
from components.portal.portal import PortalObjects, portal_service
from settings.keys import IngressSettings
from settings.values.load_balancer import IngressCognito, IngressOidc

ANNOTATION = "alb.ingress.kubernetes.io/"
OPEN_SERVICE = "backstage-open"
# The portal's awsalb provider refuses tokens without an email.
SCOPE = "openid email profile"
COOKIE = "AWSELBAuthSessionCookie"


@dataclass(frozen=True)
class AuthenticationArgs:
    settings: IngressSettings
    """With `authentication` set."""
    objects: PortalObjects
    port: int
    """Of the portal's pods and Services."""
    open_paths: Sequence[str]
    """Paths that need no sign-in; without one, there is no second Service."""


class Authentication(pulumi.ComponentResource):
    """Creates what an Ingress with sign-in refers to, and must exist before it: otherwise the
    controller builds nothing of the Ingress, nor of its group.

    With OpenID Connect: the client's Secret, and the controller's right to read this one. With open
    paths: a second Service of the same pods, without sign-in, for the Ingress to send them to.
    """

    annotations: Mapping[str, Input[str]]
    """Of the Ingress, without their prefix."""
    open_service: Output[str] | None = None

    def __init__(
        self, name: str, args: AuthenticationArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:ingress:Authentication", name, None, opts)
        self._namespace, settings = args.objects.namespace, args.settings
        provider: dict[str, Input[str]] = {}
        if settings.authentication == "oidc" and settings.oidc:
            provider = {"auth-idp-oidc": self._oidc(name, settings, settings.oidc)}
        elif settings.cognito:
            provider = {"auth-idp-cognito": _cognito(settings.cognito)}
        self.annotations = {
            "auth-type": str(settings.authentication),
            **provider,
            "auth-scope": SCOPE,
            "auth-session-cookie": COOKIE,
            "auth-session-timeout": str(settings.session_timeout),
            "auth-on-unauthenticated-request": "authenticate",
        }
        if args.open_paths:
            service = portal_service(
                f"{name}-open-service",
                OPEN_SERVICE,
                self._namespace,
                args.port,
                {f"{ANNOTATION}auth-type": "none"},  # the Service's wins over the Ingress's
                ResourceOptions(parent=self),
            )
            self.open_service = name_of(service)
        self.register_outputs({})

    def _oidc(self, name: str, settings: IngressSettings, oidc: IngressOidc) -> Output[str]:
        opts = ResourceOptions(parent=self)
        secret = k8s.core.v1.Secret(
            f"{name}-ingress-client",
            k8s.core.v1.SecretInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(namespace=self._namespace, labels=LABELS),
                type="Opaque",
                string_data=settings.client,
            ),
            opts=opts,
        )
        auto_mode = settings.controller == "auto-mode"
        rule = k8s.rbac.v1.PolicyRuleArgs(
            api_groups=[""],
            resources=["secrets"],
            resource_names=[name_of(secret)],
            verbs=["get"] if auto_mode else ["get", "list", "watch"],
        )
        # Source: EKS User Guide, "Grant the EKS Auto Mode load balancer controller access to a
        # specific Secret"; the controller's guide, example secrets_access.
        subject = (
            k8s.rbac.v1.SubjectArgs(
                kind="Group", name="eks:managed", api_group="rbac.authorization.k8s.io"
            )
            if auto_mode
            else k8s.rbac.v1.SubjectArgs(
                kind="ServiceAccount", name=SERVICE_ACCOUNT, namespace=NAMESPACE
            )
        )
        grant(f"{name}-ingress-client", self._namespace, [rule], subject, opts)
        endpoints = oidc.model_dump(by_alias=True)
        return Output.json_dumps({**endpoints, "secretName": name_of(secret)})


def _cognito(pool: IngressCognito) -> Output[str]:
    return Output.json_dumps(
        {
            "userPoolARN": pool.user_pool_arn,
            "userPoolClientID": pool.client_id,
            "userPoolDomain": pool.domain,
        }
    )
