"""The living style guide: every component in every state, made of the templates that the pages use.

Opens from the admin's help menu to whoever may use the admin; visitors never see it.
"""
