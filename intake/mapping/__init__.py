"""The initial mapping: the questions that the supervisor edits, and a visitor's answers."""
