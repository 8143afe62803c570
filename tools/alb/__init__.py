"""A stand-in for an Application Load Balancer: AWS's API, data plane and real controller."""
