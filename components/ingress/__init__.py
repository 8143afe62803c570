"""The ways to the portal."""
