"""`make audit`: measures the site as `make run` serves it and prints every figure that it has promised.

What each figure means, and what is left out on purpose, stands in docs/audit.md.
"""
