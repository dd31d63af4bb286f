"""The supervisor's guide: docs/sivuston-opas.md, shown as a page of the admin with its pictures."""
