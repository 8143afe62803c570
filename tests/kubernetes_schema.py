"""Kubernetes' JSON schemas."""

from __future__ import annotations

import functools
from typing import Any

from kubernetes_validate import utils

VERSION = "1.36"
# The library reads its files anew for each manifest.
utils.schema_contents = functools.cache(utils.schema_contents)


def validate(manifest: dict[str, Any]) -> None:
    """Raises kubernetes_validate.ValidationError, also for an unknown field."""
    utils.validate(manifest, VERSION, strict=True)
