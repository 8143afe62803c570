"""Rules as code: a Pulumi policy pack, and the same rules for the offline preview.

Rules know resources by type token and inputs only, so that they judge any Pulumi program.
"""
