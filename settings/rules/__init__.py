"""The rules between keys, in the order in which they run."""

# Each module registers its rules as it is loaded.
from settings.rules import common, backstage, database, eks, ingress_authentication, local  # noqa: F401, I001
from settings.rules.rule import RULES

__all__ = ["RULES"]
