"""The plan of a stack as one HTML page: `python -m tools.report prod`.

The page loads nothing: no script, style, font or image from elsewhere.
"""
