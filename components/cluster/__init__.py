"""The cluster that exists, its providers, and AWS roles for its pods."""
