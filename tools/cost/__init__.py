"""The monthly price of a stack's plan, from list prices."""
