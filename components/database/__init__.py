"""The databases, and what the portal needs to know of one."""
