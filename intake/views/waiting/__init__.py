"""What who waits sees: the private page of a place in the waiting list."""
