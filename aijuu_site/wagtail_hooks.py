"""Wagtail hooks: hide unused parts of the admin and links to English pages, and correct what counts as unsaved."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, pgettext
from wagtail import hooks
from wagtail.admin.forms import choosers
from wagtail.admin.menu import MenuItem
from wagtail.admin.viewsets.chooser import ChooserViewSet

from aijuu_site import editors_guide as _editors_guide  # noqa: F401  (registers its hooks)
from aijuu_site import style_guide as _style_guide  # noqa: F401  (registers its hooks)
from aijuu_site.accounts.views import signed_in
from aijuu_site.backup import status as _backup_status  # noqa: F401  (registers its hook)

# The documents app stays installed, because the admin needs it, but the site offers no downloads.
_UNUSED = frozenset({"documents"})
# For the maintainer only.
_TECHNICAL = frozenset({"reports"})
# Wagtail leaves these fields without a label, so that their English names are shown.
_LINK_FIELDS: dict[str, str | Promise] = {
    "email_address": gettext_lazy("E-mail address"),
    "phone_number": gettext_lazy("Phone number"),
    "link_text": gettext_lazy("Words of the link"),
    "subject": gettext_lazy("Subject of the mail"),
    "body": gettext_lazy("Beginning of the mail"),
}


@hooks.register("construct_main_menu")
def hide_unused_menu_items(request: HttpRequest, menu_items: list[MenuItem]) -> None:
    """Remove unused menu items; show technical ones to superusers only."""
    hidden = _UNUSED if request.user.is_superuser else _UNUSED | _TECHNICAL  # type: ignore[union-attr]
    menu_items[:] = [item for item in menu_items if item.name not in hidden]
    for item in menu_items:
        if item.name == "help":
            # Wagtail's Finnish label "Tuki" (support) suggests that somebody answers there.
            item.label = pgettext("help menu", "Help")


@hooks.register("construct_help_menu")
def remove_external_help_items(request: HttpRequest, menu_items: list[MenuItem]) -> None:
    """Remove external links: Wagtail's release notes and editor guide."""
    menu_items[:] = [item for item in menu_items if not item.url.startswith(("http:", "https:", "//"))]


@hooks.register("insert_global_admin_js")
def insert_unsaved_fix() -> SafeString:
    """Load the fix for forms that Wagtail wrongly takes as saved, or as changed (docs/upgrading.md)."""
    return format_html('<script src="{}"></script>', static("js/unsaved.js"))


@hooks.register("insert_editor_js")
def insert_preview_fix() -> SafeString:
    """Load the fix for a changed choice that Wagtail's preview does not notice (docs/upgrading.md)."""
    return format_html('<script src="{}" defer></script>', static("js/preview.js"))


@hooks.register("insert_global_admin_js")
def insert_signed_in_check() -> SafeString:
    """Load the script that keeps the text of a form whose session has ended."""
    return format_html(
        '<script src="{}" defer data-address="{}" data-signed-out="{}" data-unreachable="{}"></script>',
        static("js/signed-in.js"),
        reverse("signed_in"),
        gettext(
            "You are not signed in any more, so nothing was saved. Your words are here still: sign in in another tab "
            "and then save again here."
        ),
        gettext(
            "The site could not be reached, so nothing was saved. Your words are here still: try again in a moment."
        ),
    )


@hooks.register("register_admin_urls")
def signed_in_address() -> list[URLPattern]:
    return [path("kirjautunut/", signed_in, name="signed_in")]


@hooks.register("construct_search")
def hide_document_search(request: HttpRequest, areas: list[MenuItem]) -> None:
    areas[:] = [area for area in areas if area.name not in _UNUSED]


for _form in (
    choosers.ExternalLinkChooserForm,
    choosers.EmailLinkChooserForm,
    choosers.PhoneLinkChooserForm,
    choosers.AnchorLinkChooserForm,
):
    for _name, _label in _LINK_FIELDS.items():
        if _name in _form.base_fields:
            _form.base_fields[_name].label = _label


# Wagtail translates this label once, in the language that is active when the class is created.
ChooserViewSet.search_tab_label = gettext_lazy("Search")


# After Wagtail's own apps, which add to the same list.
@hooks.register("construct_homepage_summary_items", order=100)
def hide_document_count(request: HttpRequest, items: list[Any]) -> None:
    items[:] = [item for item in items if not type(item).__module__.startswith("wagtail.documents")]
