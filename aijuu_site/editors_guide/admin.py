"""Where the guide stands in the admin. aijuu_site/wagtail_hooks.py loads this."""

from django.urls import URLPattern, path, reverse_lazy
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from aijuu_site.editors_guide.views import guide, picture


@hooks.register("register_admin_urls")
def guide_addresses() -> list[URLPattern]:
    return [
        path("opas/", guide, name="editors_guide"),
        path("opas/<str:name>", picture, name="editors_guide_picture"),
    ]


@hooks.register("register_help_menu_item")
def guide_menu_item() -> MenuItem:
    return MenuItem(
        _("Editor's guide"), reverse_lazy("editors_guide"), name="editors-guide", icon_name="help", order=100
    )
