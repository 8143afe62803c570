"""Resources that keep the KMS key with which they were created."""

from __future__ import annotations

import pulumi
from pulumi import Output

GUIDE = "docs/existing-environment.md, KMS key"


def warn_of_another_key(
    what: str, actual: Output[str | None], wanted: str | None, resource: pulumi.Resource
) -> None:
    """Warns, in previews and updates, if `resource` has another key than `wanted`.

    what: the subject of the sentence, such as "The database".
    """

    def compare(key: str | None) -> None:
        if wanted and key and key != wanted:
            pulumi.log.warn(
                f"{what} stays encrypted with {key}: AWS takes kmsKeyArn only when it creates one. "
                f"To move the data, see {GUIDE}.",
                resource,
            )

    actual.apply(compare)
