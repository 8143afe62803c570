"""The deployment's ComponentResources, one per file.

Data flows one way: `__main__.py` hands each component its arguments and passes its outputs on.
No component reads configuration, the environment or another component's internals.
"""
