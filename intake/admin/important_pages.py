"""The pages without which nobody can write to the supervisor."""

from collections.abc import Callable

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from wagtail.models import Page, Site

from home.important_pages import ImportantPage
from intake.models import ContactPage, MappingPage


def form_pages() -> list[ImportantPage]:
    return [
        ImportantPage(
            key="contact-form",
            page=lambda: ContactPage.objects.first(),
            stops=_("Nobody can write to you on the site, or join the waiting list."),
            missing=_("The site has no page with the contact form."),
            address=_making(ContactPage),
        ),
        ImportantPage(
            key="mapping",
            page=lambda: MappingPage.objects.first(),
            stops=_("Nobody can begin the initial mapping. Those that have been begun can be finished."),
            missing=_("The site has no page for the initial mapping."),
            address=_making(MappingPage),
        ),
    ]


def _making(kind: type[Page]) -> Callable[[], str]:
    def address() -> str:
        site = Site.objects.filter(is_default_site=True, root_page__depth__gt=1).first()
        if site is None:
            return reverse("wagtailadmin_explore_root")
        return reverse("wagtailadmin_pages:add", args=[kind._meta.app_label, kind._meta.model_name, site.root_page_id])

    return address
