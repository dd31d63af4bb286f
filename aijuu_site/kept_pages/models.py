from django.db import models


class PageChange(models.Model):
    """A committed change of what public pages show (aijuu_site.kept_pages.generation), without what it was."""

    def __str__(self) -> str:
        return f"change {self.pk}"
