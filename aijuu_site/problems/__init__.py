"""What is wrong with the site and its domain, told by mail where it lasts, and only then (docs/monitoring.md)."""
