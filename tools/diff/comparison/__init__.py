"""Which resources and inputs differ between two plans, and what the engine does about it."""
