"""Backstage's health checks.

Liveness is green as soon as the server listens; readiness only once every plugin has started,
migrations included.
"""

READINESS = "/.backstage/health/v1/readiness"
LIVENESS = "/.backstage/health/v1/liveness"
