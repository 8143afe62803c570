"""Prices the resources of a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from tools.cost.assumptions import Assumptions, assumed_of
from tools.cost.free import FREE
from tools.cost.nodes import NODE, gib, node_share
from tools.cost.plan import RUNNING_ACU, Inputs, Plan, capacity, inputs_of
from tools.cost.prices import CostError, Prices

AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
AUTO_MODE_PARAMETERS = "kubernetes:eks.amazonaws.com/v1:IngressClassParams"


@dataclass(frozen=True)
class Range:
    """An amount: at least, expected, at most."""

    low: Decimal
    expected: Decimal
    high: Decimal

    @classmethod
    def of(cls, amount: Decimal) -> Range:
        """One amount that doesn't vary."""
        return cls(amount, amount, amount)

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def __mul__(self, factor: Decimal) -> Range:
        return Range(self.low * factor, self.expected * factor, self.high * factor)


NOTHING = Range.of(Decimal(0))


@dataclass(frozen=True)
class Line:
    """What one resource costs: USD a month."""

    resource: str
    what: str
    usd: Range


def estimate(plan: Plan, prices: Prices, assumptions: Assumptions) -> list[Line]:
    """Prices each resource that AWS bills.

    Low and high are Serverless at its minimum and maximum, and the fewest and most pods. Raises
    CostError for a price that isn't known, for a type that is neither priced nor free, and for
    more ACU than an instance may have.
    """
    by_type = _Pricer(plan, prices, assumed_of(plan, assumptions)).by_type
    lines = []
    for each in sorted(plan, key=lambda each: (each.type, each.name)):
        if each.type in by_type:
            lines.append(Line(each.name, *by_type[each.type](each.inputs)))
        elif not each.type.startswith(FREE):
            raise CostError(
                f"no price for {each.type} ({each.name}). "
                "To add it: a method in tools/cost/estimate.py, or the type in tools/cost/free.py"
            )
    return lines


_Priced = tuple[str, Range]


class _Pricer:
    def __init__(self, plan: Plan, prices: Prices, assumptions: Assumptions) -> None:
        self._plan, self._prices, self._assumed = plan, prices, assumptions
        self.by_type: Mapping[str, Callable[[Inputs], _Priced]] = {
            "aws:rds/cluster:Cluster": self._cluster,
            "aws:rds/clusterInstance:ClusterInstance": self._instance,
            "aws:secretsmanager/secret:Secret": self._secret,
            "aws:cloudwatch/logGroup:LogGroup": self._log_group,
            "aws:cloudwatch/metricAlarm:MetricAlarm": self._alarm,
            "aws:cloudwatch/dashboard:Dashboard": self._dashboard,
            "aws:ecr/repository:Repository": self._repository,
            "aws:s3/bucket:Bucket": self._bucket,
            "kubernetes:networking.k8s.io/v1:Ingress": self._load_balancer,
            "kubernetes:apps/v1:Deployment": self._deployment,
            "kubernetes:apps/v1:StatefulSet": self._stateful_set,
        }

    def _monthly(self, item: str, amount: Decimal) -> Decimal:
        return self._prices.usd(item) * amount

    def _hourly(self, item: str) -> Decimal:
        return self._monthly(item, self._assumed.hours)

    def _cluster(self, inputs: Inputs) -> _Priced:
        gb, requests = self._assumed.database_gb, self._assumed.database_requests
        usd = self._monthly("aurora-gb-month", gb)
        usd += self._monthly("aurora-million-requests", requests)
        what = f"{gb:f} GB, {requests:f} million requests"
        if inputs.get("manageMasterUserPassword"):
            usd += self._prices.usd("secret-month")
            what += ", the master user's secret"
        return what, Range.of(usd)

    def _instance(self, inputs: Inputs) -> _Priced:
        instance_class = inputs["instanceClass"]
        if instance_class != "db.serverless":
            return instance_class, Range.of(self._hourly(f"aurora-{instance_class}-hour"))
        least, most = capacity(self._plan) or (Decimal(0), Decimal(0))
        lowest = max(least, RUNNING_ACU)  # the portal's connections never let it pause
        average = max(self._assumed.acu, lowest)
        usd = Range(lowest, average, most) * self._hourly("aurora-acu-hour")
        return f"db.serverless, {average:f} of {least:f} to {most:f} ACU", usd

    def _secret(self, _: Inputs) -> _Priced:
        return "secret", Range.of(self._prices.usd("secret-month"))

    def _log_group(self, _: Inputs) -> _Priced:
        gb = self._assumed.logs_gb
        return f"{gb:f} GB of logs", Range.of(self._monthly("logs-gb", gb))

    def _alarm(self, inputs: Inputs) -> _Priced:
        metrics = sum("metric" in query for query in inputs.get("metricQueries", [])) or 1
        what = f"alarm on {metrics} metric{'s' if metrics > 1 else ''}"
        return what, Range.of(self._monthly("alarm-metric-month", Decimal(metrics)))

    def _dashboard(self, _: Inputs) -> _Priced:
        usd = self._prices.usd("dashboard-month")
        # Three of an account are free.
        return "dashboard, free for an account's first three", Range(Decimal(0), usd, usd)

    def _repository(self, _: Inputs) -> _Priced:
        gb = self._assumed.images_gb
        return f"{gb:f} GB of images", Range.of(self._monthly("images-gb-month", gb))

    def _bucket(self, _: Inputs) -> _Priced:
        gb = self._assumed.bucket_gb
        return f"{gb:f} GB", Range.of(self._monthly("bucket-gb-month", gb))

    def _load_balancer(self, inputs: Inputs) -> _Priced:
        lcu = self._assumed.lcu
        usd = self._hourly("load-balancer-hour") + lcu * self._hourly("lcu-hour")
        what = f"load balancer, {lcu:f} LCU"
        if self._internet_facing(inputs):
            zones = self._assumed.zones
            usd += zones * self._hourly("public-ipv4-hour")
            what += f", {zones:f} public addresses"
        return what, Range.of(usd)

    def _internet_facing(self, inputs: Inputs) -> bool:
        annotations = inputs["metadata"].get("annotations", {})
        schemes = {annotations.get("alb.ingress.kubernetes.io/scheme")}
        schemes |= {each["spec"]["scheme"] for each in inputs_of(self._plan, AUTO_MODE_PARAMETERS)}
        return "internet-facing" in schemes

    def _deployment(self, inputs: Inputs) -> _Priced:
        fewest = most = Decimal(inputs["spec"]["replicas"])
        for autoscaler in inputs_of(self._plan, AUTOSCALER):
            fewest, most = (Decimal(autoscaler["spec"][f"{end}Replicas"]) for end in ("min", "max"))
        pods = f"{fewest:f} to {most:f}" if fewest != most else f"{fewest:f}"
        share = _node_share(inputs)
        usd = Range(fewest, fewest, most) * self._pod(share)
        return f"{pods} x {_percent(share)} of a node", usd

    def _stateful_set(self, inputs: Inputs) -> _Priced:
        share = _node_share(inputs)
        usd, what = self._pod(share), f"{_percent(share)} of a node"
        for claim in inputs["spec"].get("volumeClaimTemplates", []):
            size = gib(claim["spec"]["resources"]["requests"]["storage"])
            usd += self._monthly("gp3-gb-month", size)
            what += f", {size:f} GiB of gp3"
        return what, Range.of(usd)

    def _pod(self, share: Decimal) -> Decimal:
        return share * self._hourly(f"{NODE}-hour")


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f} %"


def _node_share(inputs: Inputs) -> Decimal:
    return node_share(inputs["spec"]["template"]["spec"]["containers"])
