"""Every write of this room goes through one function here, in one transaction."""
