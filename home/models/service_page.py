"""A page for one form of work supervision."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.fields import RichTextField
from wagtail.search import index

from home.models.base import BasePage
from home.rich_text import SHORT_FEATURES


class ServicePage(BasePage):
    """What is offered to whom: an introduction, a picture if there is one, and the body."""

    intro = RichTextField(
        _("introduction"), blank=True, features=SHORT_FEATURES, help_text=_("For whom and what, in a few sentences.")
    )
    image = models.ForeignKey(
        settings.WAGTAILIMAGES_IMAGE_MODEL,
        verbose_name=_("picture"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Shown rather small. A picture that is taller than wide suits best."),
    )
    image_alt = models.CharField(
        _("alternative text"),
        max_length=250,
        blank=True,
        help_text=_("What the picture tells, in a few words. It is read aloud to those who do not see the picture."),
    )
    image_decorative = models.BooleanField(
        _("the picture is only decoration"),
        default=False,
        help_text=_(
            "Tick this if the text tells the same. The picture is then passed over when the page is read aloud."
        ),
    )

    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = []

    content_panels: ClassVar[list[Any]] = [
        *BasePage.title_panels,
        FieldPanel("intro"),
        MultiFieldPanel(
            [FieldPanel("image"), FieldPanel("image_alt"), FieldPanel("image_decorative")],
            heading=_("Picture beside the introduction"),
        ),
        FieldPanel("body"),
    ]
    search_fields: ClassVar[list[Any]] = [*BasePage.search_fields, index.SearchField("intro")]

    class Meta:
        verbose_name = _("service page")
        verbose_name_plural = _("service pages")

    @property
    def image_words(self) -> str:
        """What the picture says to those who do not see it; "" for decoration (WCAG 1.1.1)."""
        return "" if self.image_decorative else self.image_alt
