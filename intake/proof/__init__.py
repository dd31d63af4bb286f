"""The proof of the form: a test letter through the public form, by night or by hand, until its mails are taken."""
