"""The monthly price of a plan."""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal
from pathlib import Path

import pytest

from tests.programs import EKS_STACKS, ROOT, STACK_FILES, changed, previewed
from tools.cost.assumptions import Assumptions, assumed
from tools.cost.estimate import NOTHING, Line, Range, estimate
from tools.cost.prices import CostError, Prices
from tools.cost.report import NOT_INCLUDED, price_report
from tools.preview.__main__ import main
from tools.preview.recording import Recording

PRICES = Prices.load("us-east-1")
HOURS = Decimal(730)


def lines(recording: Recording, assumptions: Assumptions | None = None) -> dict[str, Line]:
    found = estimate(list(recording.resources.values()), PRICES, assumptions or Assumptions())
    return {line.resource: line for line in found}


def total(recording: Recording) -> Range:
    return sum((line.usd for line in lines(recording).values()), NOTHING)


@pytest.mark.parametrize(("stack", "most"), [("dev", 75), ("prod", 240)])
def test_own_stacks_stay_within_their_budget(stack: str, most: int) -> None:
    price = total(previewed(stack).recording)
    assert most * Decimal("0.9") < price.expected <= most
    assert price.low <= price.expected < price.high


def test_serverless_ranges_over_its_capacity() -> None:
    program = changed("prod", {"databaseMinCapacity": 2, "databaseMaxCapacity": 8})
    hour = PRICES.usd("aurora-acu-hour") * HOURS
    (writer, reader) = (lines(program.recording)[f"backstage-1-instance-{n}"] for n in (0, 1))
    assert writer.usd == reader.usd == Range(2 * hour, 2 * hour, 8 * hour)
    for acu, average in (("1", 2), ("5", 5), ("8", 8)):
        line = lines(program.recording, assumed([f"acu={acu}"]))["backstage-1-instance-0"]
        assert line.usd.expected == average * hour


def test_serverless_that_may_pause_is_priced_as_running() -> None:
    line = lines(changed("prod", {"databaseMinCapacity": 0}).recording)["backstage-1-instance-0"]
    hour = PRICES.usd("aurora-acu-hour") * HOURS
    assert line.usd == Range(hour / 2, hour / 2, 4 * hour)
    assert line.what == "db.serverless, 0.5 of 0 to 4 ACU"


def test_instance_class_costs_the_same_at_any_load() -> None:
    program = changed("prod", {"databaseInstanceClass": "db.r7g.large"})
    line = lines(program.recording)["backstage-1-instance-0"]
    assert line.usd == Range.of(PRICES.usd("aurora-db.r7g.large-hour") * HOURS)


def test_pods_cost_their_larger_share_of_a_node() -> None:
    node = PRICES.usd("m6i.large-hour") * HOURS
    by_cpu = lines(previewed("prod").recording)["backstage-deployment"]
    assert by_cpu.usd == Range(node / 2, node / 2, node * 6 / 4)  # two to six of 500m of 2 CPUs
    program = changed("prod", {"memoryRequest": "4Gi", "memoryLimit": "4Gi", "maxReplicas": 2})
    assert lines(program.recording)["backstage-deployment"].usd == Range.of(node)  # half of 8 GiB


def test_public_load_balancer_pays_for_its_addresses() -> None:
    inside = lines(previewed("prod").recording)["backstage-ingress"]
    facing = {"ingressScheme": "internet-facing", "ingressInboundCidrs": ["203.0.113.0/24"]}
    outside = lines(changed("prod", facing).recording)["backstage-ingress"]
    addresses = 2 * PRICES.usd("public-ipv4-hour") * HOURS
    assert outside.usd == inside.usd + Range.of(addresses)
    by_auto_mode = changed("auto-mode", facing)
    assert lines(by_auto_mode.recording)["backstage-ingress"].usd == outside.usd


def test_database_in_the_cluster_pays_for_its_volume() -> None:
    found = lines(previewed("in-cluster").recording)
    assert not [name for name in found if "instance" in name]
    (postgres,) = (line for name, line in found.items() if "postgres" in name)
    assert "GiB of gp3" in postgres.what
    assert postgres.usd.expected > PRICES.usd("gp3-gb-month")


@pytest.mark.parametrize("stack", EKS_STACKS)
def test_every_resource_of_the_stacks_is_priced_or_free(stack: str) -> None:
    assert lines(previewed(stack).recording)["backstage-ingress"].usd.low > 0


def test_resource_of_an_unknown_type_is_an_error() -> None:
    plan = list(previewed("prod").recording.resources.values())
    added = dataclasses.replace(plan[0], type="aws:kms/key:Key", name="backstage-key")
    said = r"no price for aws:kms/key:Key \(backstage-key\)\. To add it: "
    with pytest.raises(CostError, match=said):
        estimate([*plan, added], PRICES, Assumptions())


def test_report_states_what_it_assumes_and_leaves_out() -> None:
    plan = list(previewed("prod").recording.resources.values())
    text = price_report(plan, assumed(["lcu=3"]))
    assert "list prices of us-east-1 from 2026-" in text
    assert "3 LCU on average" in text
    assert "Not included: the EKS control plane" in text
    assert max(len(line) for line in text.splitlines()) <= 100


@pytest.mark.parametrize(("acu", "shown"), [("0.5", "1"), ("2.5", "2.5"), ("4", "4")])
def test_report_shows_the_capacity_that_counts(acu: str, shown: str) -> None:
    plan = list(previewed("prod").recording.resources.values())
    text = price_report(plan, assumed([f"acu={acu}"]))
    assert f"db.serverless, {shown} of 1 to 4 ACU" in text
    assert f"Assumed: 730 hours, {shown} ACU an instance on average," in text


def test_an_amount_is_assumed_once_and_wrong_ones_are_reported_together() -> None:
    with pytest.raises(CostError, match="acu is assumed twice: 1 and 2"):
        assumed(["acu=1", "acu=2"])
    with pytest.raises(CostError, match=r"acu=x isn't .*\nlcu=y isn't "):
        assumed(["acu=x", "lcu=y"])


def test_plan_without_aws_has_no_price(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["local", "--price"]) == 0
    assert capsys.readouterr().out == "nothing of AWS, so no price\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("lcu", "'lcu' isn't an assumption: write name=number, such as lcu=1"),
        ("=1", "'=1' isn't an assumption: write name=number, such as lcu=1"),
        ("lcus=1", "lcus isn't an assumption: did you mean lcu? There are hours, acu, lcu,"),
        ("nodes=1", "nodes isn't an assumption; there are hours, acu, lcu,"),
        ("lcu=many", "lcu=many isn't a number of 0 or more, such as lcu=0.25\n"),
        ("lcu=0,5", "lcu=0,5 isn't a number of 0 or more, such as lcu=0.25\n"),
        ("lcu=-1", "lcu=-1 isn't a number of 0 or more, such as lcu=0.25\n"),
        ("lcu=nan", "lcu=nan isn't a number of 0 or more, such as lcu=0.25\n"),
        ("hours=8760", "hours=8760 isn't a number from 0 to 744, such as hours=730\n"),
        ("acu=100", "acu=100: at most 4, the stack's databaseMaxCapacity\n"),
    ],
)
def test_wrong_assumption_is_one_message(
    change: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = ["prod", "--config-file", str(STACK_FILES["prod"])]
    assert main([*stack, "--price", f"--assume={change}"]) == 1
    assert capsys.readouterr().err.startswith(f"error: {said}")


def elsewhere(directory: Path) -> Path:
    file = directory / "stack.yaml"
    text = STACK_FILES["prod"].read_text(encoding="utf-8")
    file.write_text(text.replace("us-east-1", "eu-west-3"), encoding="utf-8")
    return file


def test_unknown_region_stops_the_price_and_not_the_preview(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["prod", "--config-file", str(elsewhere(tmp_path)), "--out", str(tmp_path / "out")]
    said = "no prices for region eu-west-3; prices.yaml has us-east-1."
    assert main([*arguments, "--price"]) == 1
    assert said in capsys.readouterr().err
    assert main(arguments) == 0
    assert f"Price a month: unknown, {said}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("price", "said"),
    [
        ('{usd: "1", source: s}', "us-east-1 secret-month date: Field required"),
        ('{usd: "1", date: 2026-01-01}', "us-east-1 secret-month source: Field required"),
        ('{usd: "0", date: 2026-01-01, source: s}', "secret-month usd: Input should be greater"),
        ('{usd: "1"', "prices.yaml: line 3: "),
    ],
)
def test_price_without_date_or_source_is_refused(tmp_path: Path, price: str, said: str) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(f"us-east-1:\n  secret-month: {price}\n", encoding="utf-8")
    with pytest.raises(CostError, match=said):
        Prices.load("us-east-1", file)


def test_price_that_the_region_lacks_names_the_remedy() -> None:
    program = changed("prod", {"databaseInstanceClass": "db.r5.24xlarge"})
    with pytest.raises(
        CostError, match=r"make prices REGION=us-east-1 INSTANCE_CLASS=db\.r5\.24xlarge$"
    ):
        lines(program.recording)


PROVISIONED = {"databaseInstanceClass": "db.r7g.large", "databaseMinCapacity": None,
               "databaseMaxCapacity": None}  # fmt: skip


def test_documented_figures_are_those_of_the_plans() -> None:
    page = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    prose = " ".join(page.split())
    rows = re.findall(r"^\| `\w+`.* \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", page, re.M)
    plans = previewed("dev"), previewed("prod"), changed("prod", PROVISIONED)
    totals = [total(plan.recording) for plan in plans]
    assert [tuple(map(Decimal, row)) for row in rows] == [
        tuple(round(usd, 2) for usd in (each.expected, each.low, each.high)) for each in totals
    ]
    watched = lines(changed("prod", {"alarms": "create", "dashboard": True}).recording)
    dashboard = watched.pop("backstage-dashboard").usd
    alarms = sum((each.usd for each in watched.values()), NOTHING).expected - totals[1].expected
    assert f"`alarms` adds {alarms:.2f} to `prod`, and `dashboard` {dashboard.high:.2f}," in prose
    assert dashboard == Range(Decimal(0), dashboard.high, dashboard.high)
    assert alarms + dashboard.high <= 10
    even = PRICES.usd("aurora-db.r7g.large-hour") / PRICES.usd("aurora-acu-hour")
    assert f"up to {even:.1f} ACU" in prose
    assert f"above its minimum adds {PRICES.usd('aurora-acu-hour') * HOURS:.2f}." in prose
    addresses = 2 * PRICES.usd("public-ipv4-hour") * HOURS
    assert f"`ingressScheme: internet-facing` adds {addresses:.2f} for two" in prose


def test_other_pages_quote_the_plan_of_prod() -> None:
    texts = [page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md")]
    texts += [(ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "CHANGELOG.md")]
    amount = re.compile(r"(?:USD|\$) ?(\d+\.\d\d)|(\d[\d.,]*) USD")
    quoted = {"".join(found) for text in texts for found in amount.findall(text)}
    assert quoted == {f"{total(previewed('prod').recording).expected:.2f}"}


def test_page_says_why_each_omission_is_left_out() -> None:
    page = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    rows = page.partition("| not included | because |\n|---|---|\n")[2].partition("\n\n")[0]
    assert tuple(row.split(" | ")[0][2:] for row in rows.splitlines()) == NOT_INCLUDED


def test_documented_assumptions_are_the_defaults() -> None:
    page = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", page, re.M))
    assert rows == {name: f"{value:f}" for name, value in Assumptions()}
