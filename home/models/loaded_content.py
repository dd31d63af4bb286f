"""Which pieces of the first content have been loaded."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class LoadedContent(models.Model):
    """The mark of a loaded piece. A marked piece belongs to the editors and is never touched again."""

    key = models.CharField(_("piece"), max_length=200, unique=True)
    loaded_at = models.DateTimeField(_("loaded"), auto_now_add=True)
    # Which row a picture became: a page that is loaded in a later run finds it again.
    image = models.ForeignKey(
        settings.WAGTAILIMAGES_IMAGE_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        verbose_name = _("loaded piece of content")
        verbose_name_plural = _("loaded pieces of content")

    def __str__(self) -> str:
        return self.key
