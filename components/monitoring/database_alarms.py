"""Alarms of an Aurora cluster."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions

from components.monitoring.alarm import MINUTE, Alarm, AlarmTarget, Metric, create

NAMESPACE = "AWS/RDS"
ACU_BYTES = 2 * 1024**3  # memory of one Aurora capacity unit
HOUR = 60 * MINUTE
GROWTH_BYTES = 5 * 1024**3  # a day; a catalog of ten thousand entities is smaller than that


@dataclass(frozen=True)
class WatchedDatabase:
    """An Aurora cluster.

    max_capacity: ACU at most; None: the instances are of a fixed class. connections: the most that
    the portal's pods hold, with what is reserved for others.
    """

    cluster_identifier: Input[str]
    instances: int
    max_capacity: float | None
    connections: int


@dataclass(frozen=True)
class DatabaseAlarmsArgs:
    database: WatchedDatabase
    target: AlarmTarget


class DatabaseAlarms(pulumi.ComponentResource):
    """Creates alarms on capacity, memory, connections, deadlocks and growth; with readers, on
    their lag.

    arns: of all alarms.
    """

    arns: list[Output[str]]

    def __init__(
        self, name: str, args: DatabaseAlarmsArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:monitoring:DatabaseAlarms", name, None, opts)
        alarms = database_alarms(args.database)
        self.arns = create(name, alarms, args.target, ResourceOptions(parent=self))
        self.register_outputs({})


def database_alarms(database: WatchedDatabase) -> list[Alarm]:
    """When Aurora needs somebody.

    They watch a role of the cluster, writer or reader, because instances change roles at failover.
    Sources of thresholds: the CloudWatch metadata of AWS's recommended alarms, unless a comment
    says otherwise.
    """
    cluster = {"DBClusterIdentifier": database.cluster_identifier}

    def writer(metric: str, statistic: str) -> dict[str, Metric]:
        return {"m": Metric(NAMESPACE, metric, {**cluster, "Role": "WRITER"}, statistic)}

    alarms = [
        Alarm(
            "database-connections",
            "The database has too many connections",
            # The pods' pools can't hold more: a leak, or another client.
            writer("DatabaseConnections", "Average"), ">", database.connections, 5,
        ),
        Alarm(
            "database-deadlocks",
            "Transactions deadlock",
            # Of Deadlocks, which is a rate: 3 a minute, for 5 minutes. Single ones are retried.
            writer("Deadlocks", "Average"), ">", 0.05, 5,
        ),
        Alarm(
            "database-growth",
            "The database grows fast",
            {"bytes": Metric(NAMESPACE, "VolumeBytesUsed", cluster, "Average", HOUR)},
            ">", GROWTH_BYTES, 6,
            expression="RATE(bytes) * 86400",
        ),
    ]  # fmt: skip
    if database.max_capacity is not None:
        alarms += [
            Alarm(
                "database-capacity",
                "The database is at its capacity",
                # AWS says only that near 100 the maximum should be raised.
                writer("ACUUtilization", "Maximum"), ">=", 90, 15,
            ),
            Alarm(
                "database-memory",
                "The database runs out of memory",
                # Counts memory up to the maximum capacity as free: 5 % of it.
                writer("FreeableMemory", "Average"), "<",
                0.05 * database.max_capacity * ACU_BYTES, 15,
            ),
        ]  # fmt: skip
    else:
        alarms.append(
            Alarm(
                "database-cpu",
                "The database is at its capacity",
                writer("CPUUtilization", "Average"),
                ">",
                90,
                5,
            )
        )
    if database.instances > 1:
        reader = {**cluster, "Role": "READER"}
        alarms.append(
            Alarm(
                "database-lag",
                "A reader lags behind",
                # Milliseconds. A reader usually lags by less than 100, and restarts at 60 s.
                {"m": Metric(NAMESPACE, "AuroraReplicaLag", reader, "Maximum")},
                ">",
                2000,
                5,
            )
        )
    return alarms
