"""The getting-started checklist: facts that only the supervisor can supply, until all are there.

A room offers points of its own through the hook `ITEMS_HOOK` (items.py); whether a point is done is read from the data.
"""
