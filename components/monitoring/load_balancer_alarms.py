"""Alarms of the load balancer, its targets and its certificate."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions

from components.monitoring.alarm import MINUTE, Alarm, AlarmTarget, Metric, create
from components.monitoring.thresholds import (
    DOWN_MINUTES,
    ERRORS_MINUTES,
    ERRORS_PERCENT,
    FEWEST_REQUESTS,
    SLOW_MINUTES,
)

NAMESPACE = "AWS/ApplicationELB"
DAY = 24 * 60 * MINUTE
# ACM renews 60 days ahead: with fewer than these the renewal has failed for two weeks.
EXPIRY_DAYS = 44


@dataclass(frozen=True)
class WatchedLoadBalancer:
    """A load balancer, the target group of the portal's pods, and the certificate, if any."""

    load_balancer_arn: Output[str]
    target_group_arn: Output[str]
    certificate_arn: Input[str] | None


@dataclass(frozen=True)
class LoadBalancerAlarmsArgs:
    balancer: WatchedLoadBalancer
    target: AlarmTarget


class LoadBalancerAlarms(pulumi.ComponentResource):
    """Creates alarms on errors of the load balancer and of the pods, slow responses, unhealthy
    targets, refused connections and, with a certificate, its expiry.

    arns: of all alarms.
    """

    arns: list[Output[str]]

    def __init__(
        self, name: str, args: LoadBalancerAlarmsArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:monitoring:LoadBalancerAlarms", name, None, opts)
        alarms = load_balancer_alarms(args.balancer)
        self.arns = create(name, alarms, args.target, ResourceOptions(parent=self))
        self.register_outputs({})


def load_balancer_alarms(watched: WatchedLoadBalancer) -> list[Alarm]:
    """When the portal isn't reached, or answers badly.

    CloudWatch has most of these metrics only for minutes in which there was something to count.
    """
    balancer = {
        "LoadBalancer": watched.load_balancer_arn.apply(
            lambda arn: arn.partition("loadbalancer/")[2]
        )
    }
    group = {
        **balancer,
        "TargetGroup": watched.target_group_arn.apply(lambda arn: arn.split(":")[-1]),
    }

    def sum_of(metric: str) -> Metric:
        return Metric(NAMESPACE, metric, balancer, "Sum")

    alarms = [
        Alarm(
            "load-balancer-errors",
            "The load balancer answers 502, 503 or 504",
            # Updates, drains and evictions cause none, and a killed pod a few: reliability.md.
            {"m": Metric(NAMESPACE, "HTTPCode_ELB_5XX_Count", balancer, "Sum", 5 * MINUTE)},
            ">=", 5, 1,
        ),
        Alarm(
            "pod-errors",
            "The pods answer with errors",
            {"requests": sum_of("RequestCount"), "errors": sum_of("HTTPCode_Target_5XX_Count")},
            ">", ERRORS_PERCENT, ERRORS_MINUTES,
            expression=f"IF(requests > {FEWEST_REQUESTS}, 100 * errors / requests, 0)",
        ),
        Alarm(
            "slow-responses",
            "Responses are slow",
            # Seconds. The slowest request of an undisturbed run took 0.3: reliability.md.
            {"m": Metric(NAMESPACE, "TargetResponseTime", balancer, "p99")}, ">", 3,
            SLOW_MINUTES,
        ),
        Alarm(
            "unhealthy-pods",
            "Pods are unhealthy",
            # A new pod has five minutes to start, and a rollout ten.
            {"m": Metric(NAMESPACE, "UnHealthyHostCount", group, "Minimum")}, ">=", 1, 15,
        ),
        Alarm(
            "no-healthy-pod",
            "No pod is healthy",
            {"m": Metric(NAMESPACE, "HealthyHostCount", group, "Maximum")}, "<", 1,
            DOWN_MINUTES, missing="breaching",
        ),
        Alarm(
            "refused-connections",
            "The load balancer refuses connections",
            {"m": sum_of("RejectedConnectionCount")}, ">", 0, 1,
        ),
    ]  # fmt: skip
    if watched.certificate_arn is not None:
        certificate = {"CertificateArn": watched.certificate_arn}
        metric = Metric("AWS/CertificateManager", "DaysToExpiry", certificate, "Minimum", DAY)
        alarms.append(
            Alarm(
                "certificate-expiry",
                "The certificate expires",
                {"m": metric},
                "<=",
                EXPIRY_DAYS,
                1,
                missing="breaching",
            )
        )
    return alarms
