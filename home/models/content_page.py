"""A page of plain content: privacy, accessibility and the like."""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel
from wagtail.fields import RichTextField
from wagtail.search import index

from home.models.base import BasePage
from home.rich_text import SHORT_FEATURES


class ContentPage(BasePage):
    """A title, an introduction if wanted, and the body."""

    intro = RichTextField(
        _("introduction"),
        blank=True,
        features=SHORT_FEATURES,
        help_text=_("Stands large under the title. One or two sentences; it may be left empty."),
    )

    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = []

    content_panels: ClassVar[list[Any]] = [*BasePage.title_panels, FieldPanel("intro"), FieldPanel("body")]
    search_fields: ClassVar[list[Any]] = [*BasePage.search_fields, index.SearchField("intro")]

    class Meta:
        verbose_name = _("content page")
        verbose_name_plural = _("content pages")
