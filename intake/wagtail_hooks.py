"""Wagtail hooks of this app."""

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import URLPattern, path
from django.utils.html import format_html
from wagtail import hooks
from wagtail.admin.search import SearchArea
from wagtail_modeladmin.options import modeladmin_register

from home.checklist import ITEMS_HOOK
from home.important_pages import IMPORTANT_PAGES_HOOK
from intake.desk.actions import waiting_addresses
from intake.desk.dashboard import EnquiryPanel, checklist_items, form_pages, own_mail_addresses
from intake.desk.list import EnquiryGroup
from intake.desk.settings import IntakeSettingsForm
from intake.enquiry.models import enquiry_url
from intake.mapping.draft_tryout import try_mapping
from intake.settings import IntakeSettings

modeladmin_register(EnquiryGroup)
# Set here to avoid a circular import: the form imports the services, which import the models.
IntakeSettings.base_form_class = IntakeSettingsForm
hooks.register(ITEMS_HOOK, checklist_items, order=100)
hooks.register(IMPORTANT_PAGES_HOOK, form_pages)


@hooks.register("construct_homepage_panels")
def add_enquiry_panel(request: HttpRequest, panels: list[object]) -> None:
    if request.user.has_perm("intake.view_enquiry"):
        panels.insert(0, EnquiryPanel())


@hooks.register("insert_global_admin_css")
def admin_css() -> str:
    return format_html('<link rel="stylesheet" href="{}">', static("css/admin.css"))


class EnquirySearchArea(SearchArea):  # type: ignore[misc]
    """A link from Wagtail's page search to the list of enquiries. The page search does not find people."""

    def is_shown(self, request: HttpRequest) -> bool:
        return request.user.has_perm("intake.view_enquiry")


@hooks.register("register_admin_search_area")
def enquiry_search() -> SearchArea:
    return EnquirySearchArea(
        EnquiryGroup.menu_label, enquiry_url("index"), name="enquiries", icon_name="mail", order=150
    )


hooks.register("register_admin_urls", waiting_addresses)
hooks.register("register_admin_urls", own_mail_addresses)


@hooks.register("register_admin_urls")
def tryout_url() -> list[URLPattern]:
    return [path("alkukartoitus/kokeile/<int:page_id>/", try_mapping, name="mapping_tryout")]
