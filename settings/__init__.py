"""A stack's configuration: `settings.load.load()` reads and checks it, `settings.model` has it."""
