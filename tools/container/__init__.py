"""Runs the portal's container like a pod, for tests and measurements."""
