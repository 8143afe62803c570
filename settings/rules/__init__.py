"""The rules between keys, in the order in which they run."""

# Each module registers its rules as it is loaded.
from settings.rules import (  # noqa: I001
    common,  # noqa: F401
    sign_in,  # noqa: F401
    backstage,  # noqa: F401
    permissions,  # noqa: F401
    integrations,  # noqa: F401
    secrets,  # noqa: F401
    database_capacity,  # noqa: F401
    database,  # noqa: F401
    database_logins,  # noqa: F401
    eks,  # noqa: F401
    ingress_authentication,  # noqa: F401
    local,  # noqa: F401
)
from settings.rules.rule import RULES

__all__ = ["RULES"]
