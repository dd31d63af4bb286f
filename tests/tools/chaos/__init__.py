"""`python -m tests.tools.chaos`: the real site under load while its parts are killed, stopped, filled and locked."""
