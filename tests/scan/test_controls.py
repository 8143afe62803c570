"""What the policy leaves off is met by the keys that decision 0008 names."""

from __future__ import annotations

from tests.programs import changed, previewed
from tests.settings.key_table import KEY
from tools.preview.recording import Recording
from tools.scan.controls import unmet


def ids(recording: Recording) -> set[str]:
    return {control for control, _ in unmet(recording)}


def test_keys_that_0008_names_meet_their_controls() -> None:
    keys = {
        "accessLogsBucket": "logs",
        "wafAclArn": "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/portal/1b2c3d4e",
        "kmsKeyArn": KEY,
    }
    before = ids(previewed("dev", creates=True).recording)
    assert before - ids(changed("dev", keys, creates=True).recording) == {
        "ECR.5",
        "ELB.5",
        "ELB.16",
    }
