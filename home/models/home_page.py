"""The front page."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.fields import RichTextField
from wagtail.models import Page
from wagtail.search import index

from home.models.base import BasePage
from home.rich_text import SHORT_FEATURES


class HomePage(BasePage):
    """Who and what in two sentences with a picture, then the body."""

    lead = RichTextField(
        _("lead"), blank=True, features=SHORT_FEATURES, help_text=_("Who and what, in one or two sentences.")
    )
    hero_image = models.ForeignKey(
        "wagtailimages.Image",
        verbose_name=_("picture"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    hero_alt = models.CharField(
        _("alternative text"),
        max_length=250,
        blank=True,
        help_text=_("What the picture tells to those who do not see it. Leave empty if it is only decoration."),
    )
    hero_caption = models.CharField(_("caption"), max_length=250, blank=True)
    hero_credit = models.CharField(
        _("credit"), max_length=120, blank=True, help_text=_("Who made the picture, if it must be told.")
    )

    parent_page_types: ClassVar[list[str]] = ["wagtailcore.Page"]
    max_count = 1

    content_panels: ClassVar[list[Any]] = [
        *Page.content_panels,
        FieldPanel("lead"),
        MultiFieldPanel(
            [
                FieldPanel("hero_image"),
                FieldPanel("hero_alt"),
                FieldPanel("hero_caption"),
                FieldPanel("hero_credit"),
            ],
            heading=_("Picture of the front page"),
        ),
        FieldPanel("body"),
    ]
    search_fields: ClassVar[list[Any]] = [*BasePage.search_fields, index.SearchField("lead")]

    class Meta:
        verbose_name = _("front page")
        verbose_name_plural = _("front pages")
