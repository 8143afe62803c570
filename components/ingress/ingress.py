"""The portal's Ingress: an Application Load Balancer of the AWS Load Balancer Controller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
from pulumi import Input, InvokeOutputOptions, Output, ResourceOptions

from components.ingress.authentication import ANNOTATION, Authentication, AuthenticationArgs
from components.ingress.certificate import Certificate, CertificateArgs
from components.ingress.ingress_rule import to_service
from components.kubernetes.health import READINESS
from components.kubernetes.labels import LABELS
from components.portal.portal import PortalObjects
from settings.draining import DEREGISTRATION_SECONDS, IDLE_SECONDS
from settings.keys import IngressSettings

# TLS 1.2 with restricted ciphers and TLS 1.3, post-quantum key exchange: in ELB.17's list.
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
# The shortest interval: a pod that dies without notice receives requests until two checks fail
# (docs/reliability.md).
CHECK_SECONDS = 5


@dataclass(frozen=True)
class PortalIngressArgs:
    host: str
    port: int
    """Of the portal's Service."""
    settings: IngressSettings
    objects: PortalObjects
    tags: Mapping[str, str]
    """Tags of the load balancer, which the controller creates."""
    after: Sequence[pulumi.Resource]
    """What runs the controller, if this program does."""
    open_paths: Sequence[str] = ()
    """Paths that need no sign-in at the load balancer, if it signs users in."""


class PortalIngress(pulumi.ComponentResource):
    """Creates the Ingress and, in a hosted zone, the certificate and the host's alias record.

    The Ingress is done when its load balancer has a host name. That needs no running pod, so the
    pods can wait for the Ingress.
    """

    ingress: k8s.networking.v1.Ingress
    load_balancer_hostname: Output[str]
    certificate_arn: Input[str] | None

    def __init__(
        self, name: str, args: PortalIngressArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:ingress:PortalIngress", name, None, opts)
        host, settings = args.host, args.settings
        self.certificate_arn = settings.certificate_arn
        zone_id: Output[str] | None = None
        if settings.hosted_zone_name:
            zone_id = aws.route53.get_zone_output(
                name=settings.hosted_zone_name,
                private_zone=False,
                opts=InvokeOutputOptions(parent=self),
            ).zone_id
            if not self.certificate_arn:
                self.certificate_arn = Certificate(
                    name, CertificateArgs(host, zone_id), ResourceOptions(parent=self)
                ).arn
        self.ingress = self._ingress(name, args)
        self.load_balancer_hostname = self.ingress.status.apply(
            lambda status: status.load_balancer.ingress[0].hostname
        )
        if zone_id is not None:
            self._alias(name, host, zone_id)
        self.register_outputs({"loadBalancerHostname": self.load_balancer_hostname})

    def _ingress(self, name: str, args: PortalIngressArgs) -> k8s.networking.v1.Ingress:
        after, others = [*args.after], dict[str, Input[str]]()
        annotations = _annotations(args, self.certificate_arn)
        if args.settings.authentication:
            authentication = Authentication(
                name,
                AuthenticationArgs(args.settings, args.objects, args.port, args.open_paths),
                ResourceOptions(parent=self),
            )
            after.append(authentication)
            annotations |= authentication.annotations
            if authentication.open_service is not None:
                others = dict.fromkeys(args.open_paths, authentication.open_service)
        rule = to_service(args.host, args.objects.service, args.port, others)
        return k8s.networking.v1.Ingress(
            f"{name}-ingress",
            k8s.networking.v1.IngressInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name="backstage",
                    namespace=args.objects.namespace,
                    labels=LABELS,
                    annotations={f"{ANNOTATION}{key}": annotations[key] for key in annotations},
                ),
                spec=k8s.networking.v1.IngressSpecArgs(
                    ingress_class_name=args.settings.class_name,
                    rules=[rule],
                    tls=[k8s.networking.v1.IngressTLSArgs(hosts=[args.host])]
                    if self.certificate_arn
                    else None,
                ),
            ),
            opts=ResourceOptions(parent=self, depends_on=after),
        )

    def _alias(self, name: str, host: str, zone_id: Output[str]) -> None:
        load_balancer_zone = aws.lb.get_hosted_zone_id_output(
            load_balancer_type="application", opts=InvokeOutputOptions(parent=self)
        )
        aws.route53.Record(
            f"{name}-alias",
            aws.route53.RecordArgs(
                zone_id=zone_id,
                name=host,
                type="A",
                aliases=[
                    aws.route53.RecordAliasArgs(
                        name=self.load_balancer_hostname,
                        zone_id=load_balancer_zone.id,
                        evaluate_target_health=True,
                    )
                ],
            ),
            opts=ResourceOptions(parent=self),
        )


def _annotations(
    args: PortalIngressArgs, certificate_arn: Input[str] | None
) -> dict[str, Input[str]]:
    """Without their prefix.

    Every attribute is written out: the controller doesn't reset one that is left out later.

    Source: AWS Load Balancer Controller v3.5, guide to Ingress annotations.
    """
    settings = args.settings
    annotations: dict[str, Input[str]] = {
        "scheme": settings.scheme,
        "target-type": "ip",
        "listen-ports": '[{"HTTPS":443}]' if certificate_arn else '[{"HTTP":80}]',
        "backend-protocol": "HTTP",
        "healthcheck-protocol": "HTTP",
        "healthcheck-port": "traffic-port",
        "healthcheck-path": READINESS,
        "healthcheck-interval-seconds": str(CHECK_SECONDS),
        "healthcheck-timeout-seconds": str(CHECK_SECONDS - 1),
        "healthy-threshold-count": "2",
        "unhealthy-threshold-count": "2",
        "success-codes": "200",
        "target-group-attributes": _attributes(
            {
                "deregistration_delay.timeout_seconds": str(DEREGISTRATION_SECONDS),
                "load_balancing.algorithm.type": "least_outstanding_requests",
            }
        ),
        "load-balancer-attributes": _attributes(
            {
                "idle_timeout.timeout_seconds": str(IDLE_SECONDS),
                "routing.http.drop_invalid_header_fields.enabled": "true",  # ELB.4
                "routing.http.desync_mitigation_mode": "defensive",  # ELB.12
                "routing.http2.enabled": "true",
                **_access_logs(settings.access_logs_bucket),
            }
        ),
    }
    if certificate_arn:
        annotations["certificate-arn"] = certificate_arn
        annotations["ssl-policy"] = TLS_POLICY
    if settings.inbound_cidrs:
        annotations["inbound-cidrs"] = ",".join(settings.inbound_cidrs)
    if settings.waf_acl_arn:
        annotations["wafv2-acl-arn"] = settings.waf_acl_arn
    if settings.group:
        annotations["group.name"] = settings.group
    # Members of a group must agree on tags; Auto Mode needs a further right to set them.
    elif settings.controller != "auto-mode":
        annotations["tags"] = _attributes(args.tags)
    return annotations


def _access_logs(bucket: str | None) -> dict[str, str]:
    if not bucket:
        return {"access_logs.s3.enabled": "false"}
    return {
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": bucket,
        "access_logs.s3.prefix": "backstage",
    }


def _attributes(values: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in values.items())
