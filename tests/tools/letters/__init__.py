"""`python -m tests.tools.letters`: messages stored per second, compared with a form page of a fresh Wagtail site.

Eight clients post distinct messages over HTTP to a running site, whose worker delivers two mails per message to a local
mail server; then to a `wagtail start` site on the same database. Prints a table.
"""
