"""moto's server, with what its AWS leaves out and the provider or these tests rely on.

Sources: API references of RDS, EKS and EC2; Aurora User Guide, "Upgrading Aurora PostgreSQL".
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2 import ec2_backends
from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.eks import urls
from moto.eks.exceptions import ResourceInUseException, ResourceNotFoundException
from moto.eks.models import EKSBackend
from moto.eks.responses import EKSResponse
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBCluster, DBInstance, RDSBackend, rds_backends
from moto.server import main

DEFAULT_MINOR = 5  # of every major version: AWS has one of its own for each, and changes it

Method = Callable[..., Any]


def wrapped(owner: type, name: str) -> Callable[[Method], None]:
    """Replaces a method by one that takes the original first."""
    original = getattr(owner, name)

    def replace(method: Method) -> None:
        @functools.wraps(original)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            return method(original, *args, **kwargs)

        setattr(owner, name, replacement)

    return replace


# A cluster's network, of which moto returns the caller's part.
@wrapped(EKSBackend, "create_cluster")
def create_cluster(original: Method, backend: EKSBackend, **given: Any) -> Any:
    cluster = original(backend, **given)
    network = cluster.resources_vpc_config
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    network["vpcId"] = ec2.describe_subnets(subnet_ids=network["subnetIds"])[0].vpc_id
    network["clusterSecurityGroupId"] = network["securityGroupIds"][0]
    return cluster


# EKS Pod Identity associations: one for each service account of a cluster.
def associations(backend: EKSBackend) -> dict[str, dict[str, Any]]:
    """By identifier. They vanish with the backend, when moto is reset."""
    found: dict[str, dict[str, Any]] = vars(backend).setdefault("associations", {})
    return found


def association(response: EKSResponse) -> dict[str, Any]:
    """The one in the request's path."""
    found = associations(response.eks_backend).get(response.path.rpartition("/")[2])
    if found is None:
        raise ResourceNotFoundException(message="No association found.")
    return found


def create_association(response: EKSResponse) -> ActionResult:
    cluster = response.path.split("/")[2]
    response.eks_backend.describe_cluster(cluster)
    names = {key: response._get_param(key) for key in ("namespace", "serviceAccount")}
    names["clusterName"] = cluster
    known = associations(response.eks_backend)
    if any(names.items() <= each.items() for each in known.values()):
        raise ResourceInUseException(message="Association already exists")
    identifier = f"a-{uuid.uuid4().hex[:17]}"
    path = f"podidentityassociation/{cluster}/{identifier}"
    known[identifier] = {
        **names,
        "associationArn": f"arn:aws:eks:{response.region}:{response.current_account}:{path}",
        "associationId": identifier,
        "roleArn": response._get_param("roleArn"),
        "tags": response._get_param("tags") or {},
    }
    return ActionResult({"association": known[identifier]})


def describe_association(response: EKSResponse) -> ActionResult:
    return ActionResult({"association": association(response)})


def update_association(response: EKSResponse) -> ActionResult:
    found = association(response)
    found["roleArn"] = response._get_param("roleArn") or found["roleArn"]
    return ActionResult({"association": found})


def delete_association(response: EKSResponse) -> ActionResult:
    found = association(response)
    del associations(response.eks_backend)[found["associationId"]]
    return ActionResult({"association": found})


for verb, method in {
    "create": create_association,
    "describe": describe_association,
    "update": update_association,
    "delete": delete_association,
}.items():
    setattr(EKSResponse, f"{verb}_pod_identity_association", method)
ASSOCIATIONS = "{0}/clusters/(?P<clusterName>[^/]+)/pod-identity-associations"
urls.url_paths[f"{ASSOCIATIONS}$"] = EKSResponse.dispatch
urls.url_paths[f"{ASSOCIATIONS}/(?P<associationId>[^/]+)$"] = EKSResponse.dispatch


def tags_of(backend: EKSBackend, arn: str) -> dict[str, str] | None:
    """Tags of a Pod Identity association."""
    for each in associations(backend).values():
        if each["associationArn"] == arn:
            tags: dict[str, str] = each["tags"]
            return tags
    return None


@wrapped(EKSBackend, "tag_resource")
def tag(original: Method, backend: EKSBackend, arn: str, tags: dict[str, str]) -> None:
    known = tags_of(backend, arn)
    if known is None:
        original(backend, arn, tags)
    else:
        known |= tags


@wrapped(EKSBackend, "untag_resource")
def untag(original: Method, backend: EKSBackend, arn: str, keys: list[str]) -> None:
    known = tags_of(backend, arn)
    if known is None:
        original(backend, arn, keys)
    else:
        for key in keys:
            known.pop(key, None)


def resolved(version: str) -> str:
    """A major version means the default minor version of the moment."""
    return version if "." in version else f"{version}.{DEFAULT_MINOR}"


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


@wrapped(DBCluster, "__init__")
def new_cluster(original: Method, cluster: DBCluster, backend: RDSBackend, **given: Any) -> None:
    if version := given.get("engine_version"):
        given["engine_version"] = resolved(version)
    original(cluster, backend, **given)
    vars(cluster)["engine_lifecycle_support"] = given.get("engine_lifecycle_support")


@wrapped(RDSBackend, "modify_db_cluster")
def modify_cluster(original: Method, backend: RDSBackend, given: dict[str, Any]) -> Any:
    cluster = backend.clusters[given["db_cluster_identifier"]]
    if version := given.get("engine_version"):
        given["engine_version"] = resolved(version)
        refuse_upgrade(backend, cluster, given)
    given.pop("allow_major_version_upgrade", None)
    if (iam := given.pop("enable_iam_database_authentication", None)) is not None:
        cluster.iam_auth = iam
    return original(backend, given)


def refuse_upgrade(backend: RDSBackend, cluster: DBCluster, given: dict[str, Any]) -> None:
    """Raises RDS's errors for a version that the cluster can't be upgraded to."""
    before, after = numbers(cluster.engine_version), numbers(given["engine_version"])
    message = ""
    if after < before:
        message = (
            f"Cannot upgrade {cluster.engine} from {cluster.engine_version} to "
            f"{given['engine_version']}"
        )
    elif after[0] > before[0]:
        group = given.get("db_cluster_parameter_group_name") or cluster.parameter_group
        family = backend.db_cluster_parameter_groups[group].db_parameter_group_family
        if not given.get("allow_major_version_upgrade"):
            message = "The AllowMajorVersionUpgrade flag must be present."
        elif family != f"{cluster.engine}{after[0]}":
            message = (
                f"The Parameter Group {group} with DBParameterGroupFamily {family} can't be used."
            )
    if message:
        raise RDSClientError("InvalidParameterCombination", message)


@wrapped(RDSBackend, "restore_db_cluster_from_snapshot")
def restore(
    original: Method, backend: RDSBackend, from_snapshot_id: str, overrides: dict[str, Any]
) -> Any:
    (snapshot,) = backend.describe_db_cluster_snapshots(None, from_snapshot_id)
    # moto copies the password, which a cluster doesn't have whose password RDS manages.
    vars(snapshot.cluster).setdefault("_master_user_password", None)
    cluster = original(backend, from_snapshot_id, overrides)
    cluster.iam_auth = bool(overrides.get("enable_iam_database_authentication"))
    if cluster.manage_master_user_password:  # which RDS starts with the next modification
        cluster.master_user_secret.delete_secret()
        cluster.manage_master_user_password = False
    return cluster


@wrapped(DBInstance, "__init__")
def new_instance(
    original: Method, instance: DBInstance, backend: RDSBackend, *args: Any, **given: Any
) -> None:
    original(instance, backend, *args, **given)
    insights = bool(given.get("enable_performance_insights"))
    days = given.get("performance_insights_retention_period", 7) if insights else None
    vars(instance)["performance_insights_enabled"] = insights
    vars(instance)["performance_insights_retention_period"] = days


# An engine that isn't Serverless v1 has no ScalingConfigurationInfo; moto's is empty.
DBCluster.scaling_configuration_info = property(lambda self: None)
# Also that of a rule for a security group.
SecurityGroupRule.description = property(
    lambda self: self.ip_range.get("Description") or self.source_group.get("Description")
)


# What a cluster uses can't be deleted.
@wrapped(RDSBackend, "delete_db_cluster_parameter_group")
def delete_parameter_group(
    original: Method, backend: RDSBackend, db_cluster_parameter_group_name: str
) -> None:
    name = db_cluster_parameter_group_name
    if any(each.parameter_group == name for each in backend.clusters.values()):
        raise RDSClientError("InvalidDBParameterGroupState", f"A cluster still uses {name}.")
    original(backend, name)


@wrapped(RDSBackend, "delete_subnet_group")
def delete_subnet_group(original: Method, backend: RDSBackend, subnet_name: str) -> Any:
    if any(each.db_subnet_group_name == subnet_name for each in backend.clusters.values()):
        raise RDSClientError("InvalidDBSubnetGroupStateFault", f"A cluster is in {subnet_name}.")
    return original(backend, subnet_name)


@wrapped(EC2Backend, "delete_security_group")
def delete_security_group(
    original: Method, backend: EC2Backend, name: str | None = None, group_id: str | None = None
) -> Any:
    clusters = rds_backends[backend.account_id][backend.region_name].clusters.values()
    if any(group_id in (each.vpc_security_group_ids or []) for each in clusters):
        raise DependencyViolationError(f"resource {group_id} has a dependent object")
    return original(backend, name, group_id)


if __name__ == "__main__":
    main()
