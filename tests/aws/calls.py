"""What moto's recorder has of a request, as the call of AWS's API that it is."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router

from tools.preview.answers import ACCOUNT

# Scope of a signature: date, region, service.
_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
# Services with another prefix in IAM, and those whose model in botocore differs from that prefix.
_PREFIXES = {"monitoring": "cloudwatch"}
_MODELS = {"elasticloadbalancing": "elbv2"}
MASK = "[secret]"


@dataclass(frozen=True)
class Call:
    """A signed call of AWS's API."""

    service: str
    """Prefix of the service's actions in IAM, such as `rds`."""
    operation: str
    """Such as `CreateDBCluster`."""
    parameters: dict[str, Any]
    """By the names in the service's model; `MASK` in place of what that calls sensitive."""
    region: str
    """Of the signature: global services have us-east-1."""
    account: str = ACCOUNT

    @property
    def reads(self) -> bool:
        """Whether the operation changes nothing, by its name."""
        return self.operation.startswith(("Describe", "Get", "Head", "List"))

    def line(self, stack: str, phase: str) -> str:
        """The call as a line of JSON."""
        return json.dumps({"phase": phase, "stack": stack, **asdict(self)}, default=str)


def decoded(line: str) -> Call | None:
    """The call in a line of moto's recording; None if the request has no signature.

    Raises werkzeug's NotFound if the service's model has no such operation.
    """
    recorded = json.loads(line)
    scope = _SCOPE.search(recorded["headers"].get("Authorization", ""))
    if scope is None:
        return None
    body = recorded["body"] or ""
    data = base64.b64decode(body) if recorded["body_encoded"] else body.encode()
    request = Request.from_primitives(
        recorded["method"], recorded["url"], recorded["headers"], data
    )
    service = _PREFIXES.get(scope["service"], scope["service"])
    router = get_service_router(_MODELS.get(service, service))
    operation, labels = router.match(request)
    parameters: dict[str, Any] = {}
    if operation.input_shape is not None:
        protocol = determine_request_protocol(operation.service_model, request.content_type)
        parameters = PROTOCOL_PARSERS[protocol](operation).parse(
            {
                "body": request.data,
                "headers": request.headers,
                "method": request.method,
                "url_params": labels,
                "url_path": request.path,
                "values": request.values,
            }
        )
        parameters = _masked(operation.input_shape, parameters)
    return Call(service, operation.name, parameters, scope["region"])


def _masked(shape: Any, value: Any) -> Any:
    if shape.metadata.get("sensitive"):
        return MASK
    if shape.type_name == "structure" and isinstance(value, dict):
        return {key: _masked(shape.members[key], each) for key, each in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_masked(shape.member, each) for each in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _masked(shape.value, each) for key, each in value.items()}
    return value
