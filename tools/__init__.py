"""Tools around the program; the deployment itself doesn't need them."""
