"""The site as visitors meet it."""

from aijuu_site.settings.base import *  # noqa: F403
