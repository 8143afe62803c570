"""Types of the database."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from settings.ca_bundle import CaBundle
from settings.values.aws import ARN
from settings.values.common import NAME, matching
from settings.values.files import from_file

EngineVersion = Annotated[
    str,
    matching(r"1[4-8](?:\.[0-9]{1,2})?", "a major version from 14 to 18, or major.minor", "17"),
]
InstanceClass = Annotated[
    str,
    matching(
        r"db\.(?:serverless|[rtx][0-9][a-z]{0,5}\.(?:medium|large|[0-9]{0,2}xlarge))",
        "db.serverless or a class such as db.r7g.large",
        "db.serverless",
    ),
]


MOST_CAPACITY = 256  # ACU


def _capacity(low: int) -> Any:
    extra: Any = {"errorMessage": f"{low} to {MOST_CAPACITY} ACU in steps of 0.5"}
    return Field(strict=True, ge=low, le=MOST_CAPACITY, multiple_of=0.5, json_schema_extra=extra)


MinCapacity = Annotated[float, _capacity(0)]
MaxCapacity = Annotated[float, _capacity(1)]
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = f"(?:{'|'.join(DAYS)})"
BackupWindow = Annotated[str, matching(rf"{_CLOCK}-{_CLOCK}", "hh:mm-hh:mm in UTC", "07:00-09:00")]
MaintenanceWindow = Annotated[
    str,
    matching(
        rf"{_DAY}:{_CLOCK}-{_DAY}:{_CLOCK}", "ddd:hh:mm-ddd:hh:mm in UTC", "sun:09:30-sun:10:30"
    ),
]
Snapshot = Annotated[
    str,
    matching(
        r"(?:rds:)?[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*"  # rds: of AWS's automatic ones
        rf"|{ARN}:rds:[a-z0-9-]+:[0-9]{{12}}:cluster-snapshot:\S+",
        "a cluster snapshot's name or ARN",
        "backstage-final-1",
        255,
    ),
]
DatabaseKind = Literal["aurora", "existing", "in-cluster"]
DatabaseName = Annotated[
    str,
    matching(
        r"[a-z_][a-z0-9_]{0,62}", "a database's name: a-z, 0-9 and '_', at most 63", "backstage"
    ),
    NAME,
]
SecretArn = Annotated[
    str,
    matching(
        rf"{ARN}:secretsmanager:[a-z0-9-]+:[0-9]{{12}}:secret:[A-Za-z0-9/_+=.@!-]+",
        "the ARN of a Secrets Manager secret",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:database-administrator-AbCdEf",
    ),
]
DatabaseResourceId = Annotated[
    str,
    matching(
        r"(?:cluster|db)-[A-Z0-9]{1,63}",
        "the resource id of a cluster or an instance",
        "cluster-ABCDEFGHIJKL01234MNOPQRSTU",
    ),
]
CaBundleFile = Annotated[
    CaBundle, *from_file(CaBundle.load, "a file with PEM certificates", "assets/rds-ca-bundle.pem")
]
