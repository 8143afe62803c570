"""Tests of the program."""

SHARED = "BACKSTAGE_TEST_RUNS"
"""Names the folder where the workers of a test run share runs of the program."""
