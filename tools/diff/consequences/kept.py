"""Inputs that a resource reads only when it is created, so that a later change does nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.diff.comparison.change import Change
from tools.diff.comparison.replacements import covered
from tools.diff.comparison.values import differences
from tools.diff.consequences.database import CLUSTER, RESTORE
from tools.diff.consequences.risk import Note

REPOSITORY = "aws:ecr/repository:Repository"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
KEY = "docs/existing-environment.md, KMS key"

# By type and input.
_KEPT = {
    (CLUSTER, "kmsKeyId"): (
        "The database keeps the key that it was created with: AWS takes kmsKeyArn only then. "
        f"To move the data, see {KEY}."
    ),
    (CLUSTER, "snapshotIdentifier"): (
        "The database that runs doesn't change: databaseSnapshotIdentifier is read when one is "
        f"created, as by the next databaseGeneration ({RESTORE})."
    ),
    (CLUSTER, "masterUserSecretKmsKeyId"): (
        "The master user's managed password keeps its key (docs/database.md)."
    ),
    (REPOSITORY, "encryptionConfigurations"): (
        "The image repository keeps the key that it was created with: AWS takes kmsKeyArn only "
        f"then. To move the images, see {KEY}."
    ),
}


def kept(changes: Sequence[Change]) -> Iterator[Note]:
    """Inputs whose change a resource that exists ignores."""
    for change in changes:
        before, after = change.before, change.after
        if before and after and change.operation != "replace":
            for each in differences(before.raw_inputs, after.raw_inputs):
                sentence = _KEPT.get((after.type, each.path[0]))
                if sentence and covered(each.path, after.ignore_changes):
                    yield Note("Kept", sentence)
            former = _bucket_key(before.inputs) if after.type == ENCRYPTION else None
            if former and former != _bucket_key(after.inputs):
                yield Note(
                    "Kept",
                    "The TechDocs bucket's objects stay encrypted with the former key, "
                    f"so the portal can no longer read them. Rewrite them first: {KEY}.",
                )


def _bucket_key(inputs: Mapping[str, Any]) -> Any:
    rules = inputs.get("rules") or [{}]
    return (rules[0].get("applyServerSideEncryptionByDefault") or {}).get("kmsMasterKeyId")
