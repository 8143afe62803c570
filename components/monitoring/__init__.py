"""CloudWatch alarms and dashboard."""
