"""The waiting list and the return in the admin: thin callers of the services."""
