"""The waiting list's rules and words, without a database."""
