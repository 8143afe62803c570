"""Thresholds that CloudWatch's alarms and Prometheus' rules share."""

FEWEST_REQUESTS = 20  # a minute, below which a share says nothing
ERRORS_PERCENT, ERRORS_MINUTES = 5, 3  # of the requests
SLOW_MINUTES = 10
DOWN_MINUTES = 2
