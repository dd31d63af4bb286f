"""A page for one form of work supervision."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.fields import RichTextField
from wagtail.models import Page
from wagtail.search import index

from home.models.base import BasePage
from home.rich_text import SHORT_FEATURES


class ServicePage(BasePage):
    """What is offered to whom: an introduction, a picture if there is one, and the body."""

    intro = RichTextField(
        _("introduction"), blank=True, features=SHORT_FEATURES, help_text=_("For whom and what, in a few sentences.")
    )
    image = models.ForeignKey(
        "wagtailimages.Image",
        verbose_name=_("picture"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    image_alt = models.CharField(
        _("alternative text"),
        max_length=250,
        blank=True,
        help_text=_("What the picture tells to those who do not see it. Leave empty if it is only decoration."),
    )

    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = []

    content_panels: ClassVar[list[Any]] = [
        *Page.content_panels,
        FieldPanel("intro"),
        MultiFieldPanel([FieldPanel("image"), FieldPanel("image_alt")], heading=_("Picture")),
        FieldPanel("body"),
    ]
    search_fields: ClassVar[list[Any]] = [*BasePage.search_fields, index.SearchField("intro")]

    class Meta:
        verbose_name = _("service page")
        verbose_name_plural = _("service pages")
