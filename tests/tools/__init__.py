"""Programs and helpers for checks and tests."""
