"""The offline preview: runs `__main__.py` against recorded answers, without account or engine.

`python -m tools.preview dev` prints what `pulumi preview --stack dev` would create in an empty
account and writes it to `build/preview/dev/`. The program runs through the Pulumi SDK's own mock
runtime; this preview also refuses what mocks accept and the engine doesn't.
"""
