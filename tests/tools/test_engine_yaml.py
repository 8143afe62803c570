"""Plain scalars of a stack file, read as the engine reads them."""

from __future__ import annotations

import pytest

from tools.preview.engine_yaml import as_text, read, scalar

# `pulumi config --json` of CLI 3.260; tests/engine/test_stack_file.py asks the installed one.
READ = {
    "0123456": "42798",
    "007": "7",
    "0089": "89",
    "012345678901": "12345678901",
    "0o17": "15",
    "0x1f": "31",
    "0b11": "3",
    "1_000": "1000",
    "+5": "5",
    "-017": "-15",
    "1e3": "1000",
    "1234e56": "1.234e+59",
    "123e4567": "123e4567",
    "12345678901234567890123456789": "1.2345678901234568e+28",
    "18446744073709551615": "18446744073709551615",
    "1.10": "1.1",
    ".5": "0.5",
    "1e-7": "1e-7",
    "0.000010": "0.00001",
    "0.0": "0",
    "2026-01-02": "2026-01-02 00:00:00 +0000 UTC",
    "2026-1-2": "2026-01-02 00:00:00 +0000 UTC",
    "2026-13-02": "2026-13-02",
    "12:30": "12:30",
    "on": "on",
    "yes": "yes",
    "1.2.3": "1.2.3",
    "v1.57.0": "v1.57.0",
    "0123456abc": "0123456abc",
    "_1": "_1",
}


@pytest.mark.parametrize("written", READ)
def test_a_scalar_is_read_as_the_engine_does(written: str) -> None:
    assert as_text(scalar(written)) == READ[written]


def test_only_what_loses_its_text_is_rewritten() -> None:
    values = "".join(f"  k{number}: {written}\n" for number, written in enumerate(READ))
    found = read(f"config:\n{values}  quoted: '0123456'\n  list: [1e3, true, ~]\n")
    assert {each.written: each.read for each in found.rewritten} == {
        written: given for written, given in READ.items() if written != given
    }
    assert found.rewritten[-1].place == ("list", 0)
    assert found.rewritten[0].line == found.lines["k0"] == 2
    assert found.content["config"]["k0"] == 42798
