"""Where a stack runs: each target is a package with `platform(settings, identifier)`."""
