"""Where a stack runs: what each target provides to the same portal."""
