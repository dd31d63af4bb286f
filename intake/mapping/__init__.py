"""The initial mapping: the questions that the supervisor edits, and what a visitor answers to them."""
