"""The front page."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.fields import RichTextField
from wagtail.search import index

from home.models.base import AlwaysPublic, BasePage
from home.rich_text import SHORT_FEATURES


class HomePage(AlwaysPublic, BasePage):
    """Who and what in two sentences with a picture, then the body."""

    lead = RichTextField(
        _("lead"), blank=True, features=SHORT_FEATURES, help_text=_("Who and what, in one or two sentences.")
    )
    hero_image = models.ForeignKey(
        settings.WAGTAILIMAGES_IMAGE_MODEL,
        verbose_name=_("picture"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Stands beside the lead. A picture that is wider than tall suits best."),
    )
    hero_alt = models.CharField(
        _("alternative text"),
        max_length=250,
        blank=True,
        help_text=_("What the picture tells, in a few words. It is read aloud to those who do not see the picture."),
    )
    hero_decorative = models.BooleanField(
        _("the picture is only decoration"),
        default=False,
        help_text=_(
            "Tick this if the text tells the same. The picture is then passed over when the page is read aloud."
        ),
    )
    hero_caption = models.CharField(
        _("caption"), max_length=250, blank=True, help_text=_("A line under the picture, if you want one.")
    )
    hero_credit = models.CharField(
        _("credit"), max_length=120, blank=True, help_text=_("Who made the picture, if it must be told.")
    )

    parent_page_types: ClassVar[list[str]] = ["wagtailcore.Page"]
    max_count = 1

    content_panels: ClassVar[list[Any]] = [
        # Not Wagtail's panel for titles, whose script fails where the form has no address (promote_panels).
        FieldPanel("title", classname="title", help_text=BasePage.title_help),
        FieldPanel("lead"),
        MultiFieldPanel(
            [
                FieldPanel("hero_image"),
                FieldPanel("hero_alt"),
                FieldPanel("hero_decorative"),
                FieldPanel("hero_caption"),
                FieldPanel("hero_credit"),
            ],
            heading=_("Picture of the front page"),
        ),
        FieldPanel("body"),
    ]
    # Its address is the site's own, and the menus never list it (home.menus).
    promote_panels: ClassVar[list[Any]] = [
        MultiFieldPanel(BasePage.search_panels, heading=_("For search engines")),
    ]
    search_fields: ClassVar[list[Any]] = [*BasePage.search_fields, index.SearchField("lead")]

    class Meta:
        verbose_name = _("front page")
        verbose_name_plural = _("front pages")

    @property
    def hero_words(self) -> str:
        """What the picture says to those who do not see it; "" for decoration (WCAG 1.1.1)."""
        return "" if self.hero_decorative else self.hero_alt
