"""The style guide's address in the admin and its place in the help menu."""

from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from aijuu_site.style_guide.view import style_guide


@hooks.register("register_admin_urls")
def style_guide_url() -> list[URLPattern]:
    """Wagtail lets to these only those who may use the admin."""
    return [path("tyyliopas/", style_guide, name="style_guide")]


@hooks.register("register_help_menu_item")
def style_guide_item() -> MenuItem:
    return MenuItem(_("Style guide"), reverse("style_guide"), name="style-guide", icon_name="view", order=200)
