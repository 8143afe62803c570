"""Releases that the program installs by default."""

POSTGRES = "17"  # major version, of Aurora and of Postgres in the cluster
LOAD_BALANCER_CONTROLLER_CHART = "3.5.0"
