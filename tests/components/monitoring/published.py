"""What AWS publishes: the metrics in use, and the structure of a dashboard's body.

Sources of metrics: CloudWatch's metadata of recommended alarms; Elastic Load Balancing's and
Container Insights' user guides. Of the body: CloudWatch API Reference, "Dashboard Body Structure
and Syntax".
"""

from __future__ import annotations

from typing import Any

_AURORA = {frozenset({"DBClusterIdentifier", "Role"}), frozenset({"DBClusterIdentifier"})}
_CLUSTER = {frozenset({"DBClusterIdentifier"})}
_BALANCER = {frozenset({"LoadBalancer"})}
_TARGETS = {frozenset({"LoadBalancer"}), frozenset({"LoadBalancer", "TargetGroup"})}
_BOTH = {frozenset({"LoadBalancer", "TargetGroup"})}

# Dimensions by namespace and name.
METRICS = {
    ("AWS/RDS", "ACUUtilization"): _AURORA,
    ("AWS/RDS", "AuroraReplicaLag"): _AURORA,
    ("AWS/RDS", "CPUUtilization"): _AURORA,
    ("AWS/RDS", "DatabaseConnections"): _AURORA,
    ("AWS/RDS", "Deadlocks"): _AURORA,
    ("AWS/RDS", "FreeableMemory"): _AURORA,
    ("AWS/RDS", "ServerlessDatabaseCapacity"): _AURORA,
    ("AWS/RDS", "VolumeBytesUsed"): _CLUSTER,
    ("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count"): _BALANCER,
    ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"): _TARGETS,
    ("AWS/ApplicationELB", "HealthyHostCount"): _BOTH,
    ("AWS/ApplicationELB", "RejectedConnectionCount"): _BALANCER,
    ("AWS/ApplicationELB", "RequestCount"): _TARGETS,
    ("AWS/ApplicationELB", "TargetResponseTime"): _TARGETS,
    ("AWS/ApplicationELB", "UnHealthyHostCount"): _BOTH,
    ("AWS/CertificateManager", "DaysToExpiry"): {frozenset({"CertificateArn"})},
    ("ContainerInsights", "pod_status_failed"): {
        frozenset({"ClusterName"}),
        frozenset({"ClusterName", "Namespace"}),
        frozenset({"ClusterName", "Namespace", "PodName"}),
    },
    ("ContainerInsights", "pod_number_of_container_restarts"): {
        frozenset({"ClusterName", "Namespace", "PodName"}),
    },
}
# A count of events is a sum, a level never is; a percentile needs a duration.
SUMS = {"HTTPCode_ELB_5XX_Count", "HTTPCode_Target_5XX_Count", "RejectedConnectionCount",
        "RequestCount"}  # fmt: skip
DURATIONS = {"TargetResponseTime"}


def _object(required: str, optional: str = "", **properties: Any) -> dict[str, Any]:
    names = {*required.split(), *optional.split()}
    assert names == set(properties), names ^ set(properties)
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


_TEXT, _FLAG, _NUMBER = {"type": "string"}, {"type": "boolean"}, {"type": "number"}
_ID = {"type": "string", "pattern": "^[a-z][A-Za-z0-9_]{0,254}$"}
_STATISTIC = {
    "type": "string",
    "pattern": r"^(Average|Maximum|Minimum|SampleCount|Sum|p[0-9]{1,2}(\.[0-9]+)?)$",
}
_PERIOD = {"type": "integer", "multipleOf": 60, "minimum": 60, "maximum": 86400}
_RENDERED = _object(
    "",
    "color expression id label period region stat visible yAxis",
    color=_TEXT, expression=_TEXT, id=_ID, label=_TEXT, period=_PERIOD, region=_TEXT,
    stat=_STATISTIC, visible=_FLAG, yAxis={"enum": ["left", "right"]},
)  # fmt: skip
_AXIS = _object(
    "", "label min max showUnits", label=_TEXT, min=_NUMBER, max=_NUMBER, showUnits=_FLAG
)
_LINE = _object(
    "value", "label color fill visible yAxis",
    value=_NUMBER, label=_TEXT, color=_TEXT, fill={"enum": ["above", "below", "none"]},
    visible=_FLAG, yAxis={"enum": ["left", "right"]},
)  # fmt: skip
_METRIC = _object(
    "region metrics", "annotations title view stacked stat period yAxis liveData legend timezone",
    region=_TEXT,
    metrics={"type": "array", "maxItems": 500, "minItems": 1, "items": {
        "type": "array", "minItems": 1, "maxItems": 63, "items": {"anyOf": [_TEXT, _RENDERED]},
    }},
    annotations=_object(
        "", "alarms horizontal vertical",
        alarms={"type": "array"}, vertical={"type": "array"},
        horizontal={"type": "array", "minItems": 1, "items": _LINE},
    ),
    title=_TEXT,
    view={"enum": ["bar", "gauge", "pie", "singleValue", "table", "timeSeries"]},
    stacked=_FLAG, stat=_STATISTIC, period=_PERIOD,
    yAxis=_object("", "left right", left=_AXIS, right=_AXIS),
    liveData=_FLAG, legend=_object("position", position={"enum": ["bottom", "hidden", "right"]}),
    timezone=_TEXT,
)  # fmt: skip
_ALARMS = _object(
    "alarms", "sortBy states title",
    alarms={"type": "array", "minItems": 1, "maxItems": 100,
            "items": {"type": "string", "pattern": "^arn:"}},
    sortBy={"enum": ["default", "stateUpdatedTimestamp", "timestamp"]},
    states={"type": "array", "items": {"enum": ["ALARM", "INSUFFICIENT_DATA", "OK"]}},
    title=_TEXT,
)  # fmt: skip
_TEXT_BOX = _object("markdown", "background", markdown=_TEXT, background=_TEXT)


def _widget(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return _object(
        "type properties", "x y width height",
        type={"const": kind},
        properties=properties,
        x={"type": "integer", "minimum": 0, "maximum": 23},
        y={"type": "integer", "minimum": 0},
        width={"type": "integer", "minimum": 1, "maximum": 24},
        height={"type": "integer", "minimum": 1, "maximum": 1000},
    )  # fmt: skip


BODY = _object(
    "widgets", "end periodOverride start",
    end=_TEXT, start=_TEXT,
    periodOverride={"enum": ["auto", "inherit"]},
    widgets={"type": "array", "maxItems": 500, "items": {"anyOf": [
        _widget("alarm", _ALARMS), _widget("metric", _METRIC), _widget("text", _TEXT_BOX),
    ]}},
)  # fmt: skip
