"""The portal on a real cluster under load: updated, harmed, and seen through a load balancer."""
