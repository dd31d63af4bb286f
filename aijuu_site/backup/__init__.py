"""Backups: one encrypted file of database and uploads, made while the site runs, and its restore (docs/backup.md)."""
