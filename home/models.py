"""Imports the models of all packages, so that Django finds them, and defines two small ones."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from home.contact_details import ContactDetails
from home.images.models import Picture, PictureRendition
from home.menus import FooterLink, FooterMenu
from home.pages import AlwaysPublic, BasePage, ContentPage, HomePage, ServicePage
from home.pause.models import PauseAction, PauseChange, PauseNotice

__all__ = [
    "AlwaysPublic",
    "BasePage",
    "ChecklistMark",
    "ContactDetails",
    "ContentPage",
    "FooterLink",
    "FooterMenu",
    "HomePage",
    "LoadedContent",
    "PauseAction",
    "PauseChange",
    "PauseNotice",
    "Picture",
    "PictureRendition",
    "ServicePage",
]


class LoadedContent(models.Model):
    """Marks a content file as loaded. Editors may change the content from then on, so it is never loaded again."""

    key = models.CharField(_("piece"), max_length=200, unique=True)
    loaded_at = models.DateTimeField(_("loaded"), auto_now_add=True)
    # The image that was created from the file, for pages that are loaded in a later run.
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


class ChecklistMark(models.Model):
    """A checklist item that was marked by hand (home.checklist)."""

    class State(models.TextChoices):
        DONE = "done", _("Done")
        SET_ASIDE = "set_aside", _("Does not concern me")

    key = models.CharField(_("point"), max_length=60, unique=True)
    state = models.CharField(_("mark"), max_length=10, choices=State.choices)
    marked_at = models.DateTimeField(_("marked"), auto_now=True)

    class Meta:
        verbose_name = _("mark on the checklist")
        verbose_name_plural = _("marks on the checklist")

    def __str__(self) -> str:
        return self.key
