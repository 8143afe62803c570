"""The rights of the identity that deploys a stack, from the stack's plan.

`python -m tools.deployer prod` runs the offline preview and writes to `deployer/prod/` what AWS and
Kubernetes have to allow, and whom GitHub's OpenID Connect tokens admit. docs/deployer.md says how
to use the files.
"""
