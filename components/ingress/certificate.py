"""A certificate for the portal's host, validated through Route 53."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

VALIDATION_TTL = 60  # seconds


@dataclass(frozen=True)
class CertificateArgs:
    host: str
    zone_id: Input[str]
    """A public hosted zone that holds `host`."""


class Certificate(pulumi.ComponentResource):
    """Requests an ACM certificate, proves the host's ownership in DNS and waits for the issue."""

    arn: Output[str]
    """Known once the certificate is issued."""

    def __init__(
        self, name: str, args: CertificateArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:ingress:Certificate", name, None, opts)
        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            aws.acm.CertificateArgs(domain_name=args.host, validation_method="DNS"),
            opts=ResourceOptions(parent=self),
        )
        # One name, so one record.
        option = certificate.domain_validation_options.apply(lambda options: options[0])
        record = aws.route53.Record(
            f"{name}-certificate-validation",
            aws.route53.RecordArgs(
                zone_id=args.zone_id,
                name=option.apply(lambda known: known.resource_record_name or ""),
                type=option.apply(lambda known: known.resource_record_type or ""),
                records=[option.apply(lambda known: known.resource_record_value or "")],
                ttl=VALIDATION_TTL,
                allow_overwrite=True,  # the same host's record of an earlier certificate
            ),
            opts=ResourceOptions(parent=self),
        )
        validation = aws.acm.CertificateValidation(
            f"{name}-certificate-issue",
            aws.acm.CertificateValidationArgs(
                certificate_arn=certificate.arn, validation_record_fqdns=[record.fqdn]
            ),
            opts=ResourceOptions(parent=self),
        )
        self.arn = validation.certificate_arn
        self.register_outputs({"arn": self.arn})
