"""moto's server with the parts of EKS that `make doctor` asks about: add-ons, access entries, and
attributes of a cluster, by their names in moto's class, through `PUT /clusters/NAME/moto`.

Source: API reference of EKS.
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.responses import ActionResult
from moto.eks import urls
from moto.eks.exceptions import ResourceNotFoundException
from moto.eks.models import Cluster, eks_backends
from moto.eks.responses import EKSResponse
from moto.server import main

from tests.aws import moto_server

__all__ = ["moto_server"]


def cluster_of(response: EKSResponse) -> Cluster:
    return response.eks_backend.clusters[response.path.split("/")[2]]


def addons(response: EKSResponse) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = vars(cluster_of(response)).setdefault("addons", {})
    return found


def create_addon(response: EKSResponse) -> ActionResult:
    name = response._get_param("addonName")
    addons(response)[name] = {
        "addonName": name,
        "addonVersion": response._get_param("addonVersion") or "v1.20.1-eksbuild.1",
        "status": "ACTIVE",
        "configurationValues": response._get_param("configurationValues") or "",
    }
    return ActionResult({"addon": addons(response)[name]})


def described(response: EKSResponse) -> dict[str, Any]:
    name = response.path.rpartition("/")[2]
    if name not in addons(response):
        raise ResourceNotFoundException(message=f"No addon: {name} found.")
    return addons(response)[name]


def describe_addon(response: EKSResponse) -> ActionResult:
    return ActionResult({"addon": described(response)})


def delete_addon(response: EKSResponse) -> ActionResult:
    found = described(response)
    del addons(response)[found["addonName"]]
    return ActionResult({"addon": found})


def entries(response: EKSResponse) -> list[str]:
    found: list[str] = vars(cluster_of(response)).setdefault("entries", [])
    return found


def create_access_entry(response: EKSResponse) -> ActionResult:
    arn = response._get_param("principalArn")
    entries(response).append(arn)
    return ActionResult({"accessEntry": {"principalArn": arn}})


def list_access_entries(response: EKSResponse) -> ActionResult:
    return ActionResult({"accessEntries": entries(response)})


def change_cluster(request: Any, url: str, headers: Any) -> tuple[int, dict[str, str], str]:
    """Sets attributes of a cluster, by their names in moto."""
    name = url.split("/clusters/")[1].partition("/")[0]
    for backends in eks_backends.values():
        for backend in backends.values():
            if name in backend.clusters:
                vars(backend.clusters[name]).update(json.loads(request.data))
    return 200, {}, "{}"


for function in (
    create_addon,
    describe_addon,
    delete_addon,
    create_access_entry,
    list_access_entries,
):
    setattr(EKSResponse, function.__name__, function)
for path in ("addons", "addons/(?P<addonName>[^/]+)", "access-entries"):
    urls.url_paths[f"{{0}}/clusters/(?P<clusterName>[^/]+)/{path}$"] = EKSResponse.dispatch
urls.url_paths["{0}/clusters/(?P<clusterName>[^/]+)/moto$"] = change_cluster

if __name__ == "__main__":
    main()
