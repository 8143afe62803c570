"""Types of networks."""

from __future__ import annotations

import ipaddress
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, Field

from settings.values.common import UNIQUE, allowing

SECURITY_GROUP_RULES = 60  # AWS's default quota of inbound rules


def _cidr(text: str, world: bool) -> str:
    network = ipaddress.IPv4Network(text)  # a ValueError says what is wrong
    # AWS accepts neither a netmask nor an address without prefix.
    if text != str(network) or (network.prefixlen == 0 and not world):
        raise ValueError
    return text


_CIDR = "an IPv4 network such as 10.0.0.0/16, its host bits zero"
Cidr = Annotated[
    str,
    AfterValidator(partial(_cidr, world=False)),
    allowing(f"{_CIDR}; not 0.0.0.0/0", "10.0.0.0/16"),
]
WorldCidr = Annotated[
    str, AfterValidator(partial(_cidr, world=True)), allowing(_CIDR, "10.0.0.0/16")
]
# Where nodes hand out credentials: instance metadata, EKS's Pod Identity agent.
LINK_LOCAL = ipaddress.IPv4Network("169.254.0.0/16")


def _not_link_local(text: str) -> str:
    if ipaddress.IPv4Network(text).subnet_of(LINK_LOCAL):
        raise ValueError("the instance metadata service is there")
    return text


EgressCidr = Annotated[
    str,
    AfterValidator(partial(_cidr, world=True)),
    AfterValidator(_not_link_local),
    allowing(f"{_CIDR}; not in {LINK_LOCAL}", "140.82.112.0/20"),
]
InboundCidrs = Annotated[
    tuple[WorldCidr, ...],
    Field(max_length=SECURITY_GROUP_RULES),
    UNIQUE,
    allowing(
        f"a list of at most {SECURITY_GROUP_RULES} networks, the rules of a security group, each "
        f"entry once and {_CIDR}",
        ["203.0.113.0/24"],
    ),
]
