"""Runs the portal's container on this machine as a pod would run it, for tests and measurements."""
