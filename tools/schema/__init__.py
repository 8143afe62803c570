"""The JSON Schema of a stack file, for editors."""
