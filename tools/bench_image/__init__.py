"""Compares the portal's image with that of a freshly scaffolded app."""
