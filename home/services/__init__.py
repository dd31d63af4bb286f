"""The only writers of what this room keeps: one function a deed, one transaction."""
