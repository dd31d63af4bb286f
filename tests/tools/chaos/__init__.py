"""`python -m tests.tools.chaos`: fault injection into the real site under load."""
