"""Periodic jobs: what the worker does by the clock, each on its own schedule and with its own retries."""
