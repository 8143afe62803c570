"""Type tokens: a provider accepts some resources under several."""

from __future__ import annotations

import re
from functools import lru_cache

_BALANCING = re.compile(r"^aws:(alb|applicationloadbalancing|elasticloadbalancingv2)/")
_S3_V2 = re.compile(r"^aws:s3/(\w+)V2:(\w+)V2$")
_KUBERNETES = re.compile(r"^kubernetes:([\w.]+)/\w+:(\w+)$")
# Groups whose versions have the fields that rules read in the same places.
_VERSIONS = {
    "apps": "v1",
    "autoscaling": "v2",
    "batch": "v1",
    "networking.k8s.io": "v1",
    "policy": "v1",
    "rbac.authorization.k8s.io": "v1",
}


@lru_cache(maxsize=512)
def canonical(token: str) -> str:
    """The token that stands for all of a resource's."""
    if found := _KUBERNETES.match(token):
        group, kind = found.groups()
        if group == "extensions":
            group = "networking.k8s.io" if kind in ("Ingress", "NetworkPolicy") else "apps"
        version = _VERSIONS.get(group)
        return f"kubernetes:{group}/{version}:{kind}" if version else token
    return _S3_V2.sub(r"aws:s3/\1:\2", _BALANCING.sub("aws:lb/", token))
