"""Accounts of the ARNs that fit a stack into an existing environment."""

from __future__ import annotations

import pytest

from tests.settings.key_table import KEY
from tests.settings.stack import warnings


@pytest.mark.parametrize(
    ("accounts", "expected"), [(None, 0), (["123456789012"], 0), (["210987654321"], 1)]
)
def test_a_key_of_another_account_is_warned_of(accounts: list[str] | None, expected: int) -> None:
    found = [
        each
        for each in warnings({"kmsKeyArn": KEY, "aws:allowedAccountIds": accounts})
        if "a key of account 123456789012, not of 210987654321" in each
    ]
    assert len(found) == expected
