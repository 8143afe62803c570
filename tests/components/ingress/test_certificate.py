"""A certificate validated through Route 53."""

from __future__ import annotations

import pulumi
from pulumi import ResourceOptions

from components.ingress.certificate import Certificate, CertificateArgs
from tests.components.parts import HOST, MODES, run
from tests.tokens import CERTIFICATE, RECORD
from tools.preview.recording import COMPUTED

VALIDATION = "aws:acm/certificateValidation:CertificateValidation"


@MODES
def test_arn_is_known_once_issued(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        pulumi.export("arn", Certificate("c", CertificateArgs(HOST, "Z1"), opts).arn)

    program = run(build, creates)
    assert program.inputs(CERTIFICATE)["domainName"] == HOST
    record = program.one(RECORD)
    assert record.inputs["zoneId"] == "Z1"
    assert record.inputs["type"] == ("CNAME" if creates else COMPUTED)
    assert record.urn in program.one(VALIDATION).dependencies
    assert (program.outputs["arn"] == COMPUTED) is not creates
