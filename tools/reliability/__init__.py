"""Measures what users notice while a portal on a cluster is updated, disrupted or killed."""
