"""The periodic jobs of the worker, each with its own schedule and its own retries."""
