"""AWS's API in front of the data plane."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.alb.harness import HOST, LOCAL, PROPAGATION, aiohttp
from tools.alb.stand_in import Alb, alb_stand_in

pytestmark = pytest.mark.alb


@pytest.fixture(scope="module")
def account() -> Iterator[Alb]:
    with alb_stand_in(LOCAL, propagation=PROPAGATION) as stand_in:
        yield stand_in


def test_api_reports_the_data_planes_target_health(account: Alb) -> None:
    client = account.aws.client("elbv2")
    group = client.create_target_group(
        Name="group", Protocol="HTTP", Port=7007, VpcId=account.aws.vpc_id, TargetType="ip",
        HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2,
    )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
    client.modify_target_group_attributes(
        TargetGroupArn=group,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}],
    )
    assert account.attributes(group)["deregistration_delay.timeout_seconds"] == "1"
    target, other = {"Id": LOCAL, "Port": 1}, {"Id": LOCAL, "Port": 2}

    def states(*targets: Any) -> list[tuple[int, str]]:
        asked = {"Targets": list(targets)} if targets else {}
        found = client.describe_target_health(TargetGroupArn=group, **asked)
        return [
            (each["Target"]["Port"], each["TargetHealth"]["State"])
            for each in found["TargetHealthDescriptions"]
        ]

    client.register_targets(TargetGroupArn=group, Targets=[target])
    assert states() == [(1, "initial")]
    assert states(target, other) == [(1, "initial"), (2, "unused")]
    for _ in range(2):
        client.deregister_targets(TargetGroupArn=group, Targets=[target])
        assert states() == [(1, "draining")]
    time.sleep(1.3)
    assert states() == []
    assert [each.state for each in account.events][-2:] == ["out of service", "gone"]
    client.delete_target_group(TargetGroupArn=group)
    with pytest.raises(client.exceptions.TargetGroupNotFoundException):
        states()


def test_listener_serves_from_creation_to_deletion(account: Alb) -> None:
    client = account.aws.client("elbv2")
    subnets = account.aws.client("ec2").describe_subnets(
        Filters=[{"Name": "vpc-id", "Values": [account.aws.vpc_id]}]
    )["Subnets"]
    balancer = client.create_load_balancer(
        Name="balancer", Scheme="internal", Subnets=[each["SubnetId"] for each in subnets]
    )["LoadBalancers"][0]
    fixed = {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "nothing here"}
    listener = client.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTPS", Port=443,
        Certificates=[{"CertificateArn": account.aws.certificate(HOST)}],
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": fixed}],
    )["Listeners"][0]["ListenerArn"]  # fmt: skip
    redirect = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    client.create_rule(
        ListenerArn=listener, Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/old/*"]}],
        Actions=[{"Type": "redirect", "RedirectConfig": redirect}],
    )  # fmt: skip
    idp = {
        "Issuer": "https://idp.example.com", "TokenEndpoint": "https://idp.example.com/token",
        "AuthorizationEndpoint": "https://idp.example.com/authorize", "ClientId": "portal",
        "UserInfoEndpoint": "https://idp.example.com/userinfo", "ClientSecret": "hunter2",
        "Scope": "openid email",
    }  # fmt: skip
    client.create_rule(
        ListenerArn=listener, Priority=2,
        Conditions=[{"Field": "path-pattern", "Values": ["/private/*"]}],
        Actions=[
            {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": idp},
            {"Type": "fixed-response", "Order": 2, "FixedResponseConfig": fixed},
        ],
    )  # fmt: skip

    async def get(path: str) -> tuple[int, str, str | None]:
        context = ssl.create_default_context(cadata=account.ca)
        async with (
            aiohttp.ClientSession() as session,
            session.get(
                account.url(balancer["DNSName"]) + path, ssl=context, allow_redirects=False
            ) as answer,
        ):
            return answer.status, await answer.text(), answer.headers.get("Location")

    assert asyncio.run(get("/")) == (404, "nothing here", None)
    status, _, location = asyncio.run(get("/old/page?a=b"))
    assert (status, location) == (301, f"https://{LOCAL}:443/old/page?a=b")
    status, _, location = asyncio.run(get("/private/page"))
    assert status == 302
    assert str(location).startswith("https://idp.example.com/authorize?client_id=portal&")
    assert "scope=openid+email&" in str(location)
    client.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    with pytest.raises(KeyError):
        account.url(balancer["DNSName"])
