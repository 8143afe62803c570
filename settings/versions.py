"""Releases that the program installs by default."""

POSTGRES = "17"  # major version, of Aurora and of Postgres in the cluster
LOAD_BALANCER_CONTROLLER_CHART = "3.5.0"
# Of the chart's archive: Helm checks none, `make chart` does.
LOAD_BALANCER_CONTROLLER_SHA256 = "45051f634b33e10baccb3354d0681b7de787c60445e599fa276e0c9aedd4ccd5"
# Of the image that the chart runs, for every platform.
LOAD_BALANCER_CONTROLLER_IMAGE = (
    "v3.5.0@sha256:298acdff5a571731276aaea3d5cc450a264e4ad710a5bddf3e518f68a3f9f6cb"
)
