"""The style guide: every component in every state, rendered with the templates of the pages.

In the admin's help menu, for every user of the admin.
"""
