"""What a change means: for data, for who reaches what, for users, for pods."""
