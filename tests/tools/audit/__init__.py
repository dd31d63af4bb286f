"""`make audit`: measures the site as `make run` serves it, and prints all figures with their targets.

docs/audit.md explains the figures, and what is left out on purpose.
"""
