"""What a change does to a stack: the plan of one commit compared with the working tree's.

`python -m tools.diff prod --base origin/main` previews both offline and prints which resources are
created, updated, replaced and deleted, and what that means for the data, the pods and the price.
"""
