"""What a running portal does to its users while it is updated or harmed, measured on a cluster."""
