"""`python -m tests.tools.letters`: letters stored a second, beside a form page of a fresh Wagtail site.

Eight clients post distinct words over HTTP to a really started site, whose worker delivers two mails for each letter
to a local mail server; then to a site as `wagtail start` makes it, on the same database. Prints a table.
"""
