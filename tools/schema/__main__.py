"""`make schema`."""

from tools.schema.stack_schema import SCHEMA, write

write()
print(f"written: {SCHEMA.name}")
