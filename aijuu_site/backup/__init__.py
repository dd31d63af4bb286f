"""Backups: one encrypted file of database and uploads, made while the site runs, and the way back (docs/backup.md)."""
