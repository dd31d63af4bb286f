"""The building blocks of a page's body, one concept a file."""

from home.blocks.body import BodyStreamBlock

__all__ = ["BodyStreamBlock"]
