"""The error of this package's commands."""


class SupplyError(Exception):
    """What stops a command; the text says what is wrong, and what to do."""
