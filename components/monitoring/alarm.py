"""CloudWatch alarms as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.monitoring.manual import section

MINUTE = 60
_OPERATORS = {
    ">": "GreaterThanThreshold",
    ">=": "GreaterThanOrEqualToThreshold",
    "<": "LessThanThreshold",
    "<=": "LessThanOrEqualToThreshold",
}


@dataclass(frozen=True)
class Metric:
    """A metric of CloudWatch.

    statistic: Average, Maximum, Minimum, Sum, or a percentile such as p99. period: seconds.
    """

    namespace: str
    name: str
    dimensions: Mapping[str, Input[str]]
    statistic: str
    period: int = MINUTE


@dataclass(frozen=True)
class Alarm:
    """When an alarm fires: its metric compares to the threshold in all of so many periods.

    title: also the heading of its section in the manual. expression: of the metrics by their ids;
    without one there is a single metric. missing: how a period without data counts.
    """

    name: str
    title: str
    metrics: Mapping[str, Metric]
    comparison: Literal[">", ">=", "<", "<="]
    threshold: float
    periods: int
    expression: str | None = None
    missing: Literal["breaching", "notBreaching"] = "notBreaching"

    @property
    def section(self) -> str:
        """Of the manual, as a link within the repository."""
        return section(self.title)


@dataclass(frozen=True)
class AlarmTarget:
    """Where alarms go.

    topic: ARN of an SNS topic. prefix: of the alarms' names.
    """

    topic: Input[str]
    prefix: str


def create(
    name: str, alarms: Sequence[Alarm], target: AlarmTarget, opts: ResourceOptions
) -> list[Output[str]]:
    """Creates the alarms; each notifies the topic when it fires and when it is over.

    Returns their ARNs.
    """
    return [_create(name, alarm, target, opts).arn for alarm in alarms]


def _create(
    name: str, alarm: Alarm, target: AlarmTarget, opts: ResourceOptions
) -> aws.cloudwatch.MetricAlarm:
    args = aws.cloudwatch.MetricAlarmArgs(
        name=f"{target.prefix}-{alarm.name}",
        alarm_description=f"{alarm.title}: {alarm.section}",
        comparison_operator=_OPERATORS[alarm.comparison],
        threshold=alarm.threshold,
        evaluation_periods=alarm.periods,
        treat_missing_data=alarm.missing,
        alarm_actions=[target.topic],
        ok_actions=[target.topic],
    )
    if alarm.expression:
        args.metric_queries = [
            *(_query(identifier, metric) for identifier, metric in alarm.metrics.items()),
            aws.cloudwatch.MetricAlarmMetricQueryArgs(
                id="value", expression=alarm.expression, label=alarm.title, return_data=True
            ),
        ]
    else:
        (metric,) = alarm.metrics.values()
        args.namespace, args.metric_name = metric.namespace, metric.name
        args.dimensions, args.period = dict(metric.dimensions), metric.period
        if metric.statistic.startswith("p"):
            args.extended_statistic = metric.statistic
            # A percentile of a handful of requests says nothing.
            args.evaluate_low_sample_count_percentiles = "ignore"
        else:
            args.statistic = metric.statistic
    return aws.cloudwatch.MetricAlarm(f"{name}-{alarm.name}", args, opts=opts)


def _query(identifier: str, metric: Metric) -> aws.cloudwatch.MetricAlarmMetricQueryArgs:
    return aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id=identifier,
        metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
            namespace=metric.namespace,
            metric_name=metric.name,
            dimensions=dict(metric.dimensions),
            stat=metric.statistic,
            period=metric.period,
        ),
    )
