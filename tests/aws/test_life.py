"""Every phase of a stack's life, for every stack file of the target eks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.aws.life import Life

pytestmark = pytest.mark.aws


def test_preview_only_reads(life: Life) -> None:
    run = life.operate("preview", "preview")
    assert set(run.changes) == {"create"}
    assert [call for call in life.calls["preview"] if not call.reads] == []


def test_up_creates_what_the_second_preview_leaves_alone(life: Life) -> None:
    assert set(life.operate("up", "up", "--skip-preview").changes) == {"create"}
    assert set(life.operate("again", "preview", "--diff").changes) == {"same"}


def test_refresh_finds_no_drift(life: Life) -> None:
    assert set(life.operate("refresh", "refresh", "--skip-preview").changes) == {"same"}


def test_destroy_leaves_nothing(life: Life) -> None:
    if life.protected:
        life.change("unprotect", {"databaseDeletionProtection": "false"})
    life.operate("destroy", "destroy")
    assert life.account.names(life.region) - life.before == set()
