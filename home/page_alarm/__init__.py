"""Telling whoever edits that a page the site needs is missing, hidden or about to be."""
