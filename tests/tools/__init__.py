"""Programs that the checks and tests use."""
