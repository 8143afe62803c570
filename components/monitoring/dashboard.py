"""The CloudWatch dashboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components.monitoring.graph import Graph, body


@dataclass(frozen=True)
class DashboardArgs:
    name: str
    """Unique in the account: letters, digits, hyphens and underscores."""
    region: str
    sections: Mapping[str, Sequence[Graph]]
    """By heading; one without graphs is left out."""
    alarms: Sequence[Output[str]]
    """ARNs of the alarms whose state is shown, if there are any."""


class Dashboard(pulumi.ComponentResource):
    """Creates a dashboard of graphs with the thresholds of their alarms."""

    dashboard_name: Output[str]

    def __init__(self, name: str, args: DashboardArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("backstage:monitoring:Dashboard", name, None, opts)
        dashboard = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            aws.cloudwatch.DashboardArgs(
                dashboard_name=args.name,
                dashboard_body=Output.json_dumps(body(args.region, args.sections, args.alarms)),
            ),
            opts=ResourceOptions(parent=self),
        )
        self.dashboard_name = dashboard.dashboard_name
        self.register_outputs({"dashboard_name": self.dashboard_name})
