"""Types of configuration values.

A type's JSON Schema says what it allows: `errorMessage` in words, `examples` with a value. Error
messages and the stack file's schema both come from there.
"""
