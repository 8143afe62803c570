"""An Ingress for whatever controller the cluster has."""

from __future__ import annotations

import pytest
from pulumi import ResourceOptions

from components.ingress.plain_ingress import PlainIngress, PlainIngressArgs
from tests.components.parts import HOST, MODES, objects, run
from tests.tokens import INGRESS


@MODES
@pytest.mark.parametrize("host", [HOST, None], ids=["a host", "any host"])
def test_every_path_goes_to_the_service(host: str | None, creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        PlainIngress("i", PlainIngressArgs(host, 7007, "nginx", objects()), opts)

    found = run(build, creates).inputs(INGRESS)
    # Not every controller writes an address that could be awaited.
    assert found["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert found["spec"] == {
        "ingressClassName": "nginx",
        "rules": [
            {
                **({"host": host} if host else {}),
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {
                                "service": {"name": "the-service", "port": {"number": 7007}}
                            },
                        }
                    ]
                },
            }
        ],
    }
