"""The list of enquiries, by wagtail-modeladmin. Only this file knows modeladmin."""

import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.utils import label_for_field
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import F, Prefetch, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.urls import re_path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from wagtail.admin.menu import MenuItem
from wagtail.admin.paginator import WagtailPaginator
from wagtail_modeladmin.helpers import ButtonHelper, PermissionHelper
from wagtail_modeladmin.options import ModelAdmin, ModelAdminGroup
from wagtail_modeladmin.views import IndexView

from home.dates import finnish_moment
from intake.choices import Area, DeliveryMode, Kind, MailState
from intake.desk.actions import save_preparation, send_mapping, send_place, senders_copy, summary
from intake.desk.dashboard import DeskFilter, Part, in_words, list_address
from intake.desk.enquiry_page import (
    accept,
    action,
    close_as_spam,
    delete,
    guarded,
    nothing_here,
    read,
    resend,
    save,
    told_if_gone,
)
from intake.desk.export import spreadsheet_response
from intake.enquiry.models import NO_PROOF, Enquiry
from intake.enquiry.search import search
from intake.mail.models import OutgoingMail


class _OfferedFilter(SimpleListFilter):
    """A filter that accepts only its own choices."""

    def value(self) -> str | None:
        chosen = super().value()
        return chosen if chosen in {str(value) for value, _label in self.lookup_choices} else None

    def queryset(self, request: HttpRequest, queryset: QuerySet[Enquiry]) -> QuerySet[Enquiry]:
        chosen = self.value()
        return queryset if chosen is None else self.chosen(queryset, chosen)

    def chosen(self, queryset: QuerySet[Enquiry], value: str) -> QuerySet[Enquiry]:
        raise NotImplementedError


class GroupSizeFilter(_OfferedFilter):
    title = gettext_lazy("size of the group")
    parameter_name = "group_size"
    # The ideal is 3–6 (intake.mapping.answers).
    _BANDS: ClassVar[dict[str, tuple[Any, Q]]] = {
        "1-2": ("1–2", Q(group_size__lte=2)),
        "3-6": ("3–6", Q(group_size__range=(3, 6))),
        "7-12": ("7–12", Q(group_size__range=(7, 12))),
        "13-": (gettext_lazy("13 or more"), Q(group_size__gte=13)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(value, label) for value, (label, _condition) in self._BANDS.items()]

    def chosen(self, queryset: QuerySet[Enquiry], value: str) -> QuerySet[Enquiry]:
        return queryset.filter(self._BANDS[value][1])


class DeliveryModeFilter(_OfferedFilter):
    """Enquiries that include this way of meeting."""

    title = gettext_lazy("where to meet")
    parameter_name = "delivery_mode"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return list(DeliveryMode.choices)

    def chosen(self, queryset: QuerySet[Enquiry], value: str) -> QuerySet[Enquiry]:
        # SQLite has no lookup in a JSON list. The list holds only keys of DeliveryMode, so a quoted key matches a whole
        # key.
        listed = queryset.annotate(delivery_modes_text=Cast("delivery_modes", TextField()))
        return listed.filter(delivery_modes_text__contains=f'"{value}"')


class AreaFilter(_OfferedFilter):
    title = gettext_lazy("area")
    parameter_name = "area"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return list(Area.choices)

    def chosen(self, queryset: QuerySet[Enquiry], value: str) -> QuerySet[Enquiry]:
        return queryset.filter(area=value)


class PayerFilter(_OfferedFilter):
    """The payers that occur in enquiries; the supervisor defines and may change the choices."""

    title = gettext_lazy("payer")
    parameter_name = "payer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        in_use = Enquiry.objects.filter(payer__gt="").order_by("payer").values_list("payer", flat=True).distinct()
        return [(payer, payer) for payer in in_use]

    def chosen(self, queryset: QuerySet[Enquiry], value: str) -> QuerySet[Enquiry]:
        return queryset.filter(payer=value)


MAPPING_FILTERS = (GroupSizeFilter, DeliveryModeFilter, AreaFilter, PayerFilter)
_FILTERED_FIELDS = ("status", "supervision_form", "kind", "verdict")
_PART = frozenset({DeskFilter.parameter_name})
_FILTER_PARAMETERS = _PART | frozenset(
    {
        *(f"{field}__exact" for field in _FILTERED_FIELDS),
        *(mapping_filter.parameter_name for mapping_filter in MAPPING_FILTERS),
    }
)


class EnquiryPermissionHelper(PermissionHelper):
    """Each action has its own permission; nobody can create or edit an enquiry by hand."""

    def _has(self, user: AbstractBaseUser, action: str) -> bool:
        return bool(self.user_has_specific_permission(user, self.get_perm_codename(action)))

    def user_can_list(self, user: AbstractBaseUser) -> bool:
        return self._has(user, "view")

    def user_can_inspect_obj(self, user: AbstractBaseUser, obj: Enquiry) -> bool:
        return self._has(user, "view")

    def user_can_create(self, user: AbstractBaseUser) -> bool:
        return False

    def user_can_edit_obj(self, user: AbstractBaseUser, obj: Enquiry) -> bool:
        return False

    def user_can_review(self, user: AbstractBaseUser) -> bool:
        return self._has(user, "view") and self._has(user, "change")

    def user_can_remove(self, user: AbstractBaseUser) -> bool:
        return self._has(user, "view") and self._has(user, "delete")

    def user_can_delete_obj(self, user: AbstractBaseUser, obj: Enquiry) -> bool:
        return self.user_can_remove(user)

    def user_can_export(self, user: AbstractBaseUser) -> bool:
        return self._has(user, "view") and self._has(user, "export")


class EnquiryButtonHelper(ButtonHelper):
    """A row only links to the enquiry."""

    def get_buttons_for_obj(self, obj: Enquiry, **options: Any) -> list[dict[str, str]]:
        return []

    def get_primary_button(self, obj: Enquiry) -> dict[str, str]:
        button: dict[str, str] = self.inspect_button(obj.pk)
        button["title"] = _("Read the enquiry")
        return button


# The list counts no further and shows no more pages: to count all would take longer with every enquiry, and nobody
# pages so far.
MOST_LISTED = 10_000


class Enquiries(QuerySet[Enquiry]):
    """A queryset that counts only once, and only up to one more than MOST_LISTED, however often the view asks."""

    _counted: int | None = None

    def count(self) -> int:
        if self._counted is None:
            first = self if self.query.is_sliced else self.order_by().values("pk")[: MOST_LISTED + 1]
            self._counted = QuerySet.count(first)
        return self._counted


class EnquiryPaginator(WagtailPaginator):
    """Finds the keys of a page by the index alone, and reads only the rows of this page."""

    @cached_property
    def count(self) -> int:
        """Return how many enquiries the pages show. Search, filters and order find those beyond MOST_LISTED."""
        return min(self.object_list.count(), MOST_LISTED)

    def page(self, number: Any) -> Any:
        page = super().page(number)
        keys, order = page.object_list.values("pk"), self.object_list.query.order_by
        # Without the long texts, which the list does not show.
        of_page = Enquiry.objects.filter(pk__in=keys).order_by(*order).defer("message", "note", "shown_texts")
        mails = OutgoingMail.objects.only("enquiry", "state", "failures", "next_attempt_at", "claimed_at")
        page.object_list = of_page.prefetch_related(Prefetch("mails", mails)).annotate(
            mapping_begun_at=F("mapping__started_at"), mapping_sent_at=F("mapping__sent_at")
        )
        return page


class EnquiryIndexView(IndexView):
    """The list. Query parameters other than its own are ignored."""

    paginator_class = EnquiryPaginator
    _queryset: QuerySet[Enquiry] | None = None
    _KNOWN = frozenset({"q", "o", "ot", "p", "export"})
    # Longer than any name; SQLite rejects patterns of many thousand characters.
    _LONGEST_SEARCH = 200
    _FEW_HITS = 500

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        allowed = QueryDict(mutable=True)
        for name, values in request.GET.lists():
            if name in self._KNOWN or name in _FILTER_PARAMETERS:
                allowed[name] = values[-1]
        if "q" in allowed:
            allowed["q"] = unicodedata.normalize("NFC", str(allowed["q"])[: self._LONGEST_SEARCH])
        request.GET = allowed  # type: ignore[assignment]
        return super().dispatch(request, *args, **kwargs)

    def get_queryset(self, request: HttpRequest | None = None) -> QuerySet[Enquiry]:
        """Return the listed enquiries. Cached: the view asks twice, and would query the filters' choices each time."""
        if self._queryset is None:
            self._queryset = super().get_queryset(request)
        return self._queryset

    def get_base_queryset(self, request: HttpRequest | None = None) -> QuerySet[Enquiry]:
        """Return all enquiries. Once the list is known, at most one: the view then only checks whether any exist."""
        found: QuerySet[Enquiry] = super().get_base_queryset(request)
        return found if self._queryset is None else found[:1]

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Enquiry], term: str) -> QuerySet[Enquiry]:
        if not term.split():
            return queryset
        found = search(queryset, term)
        # A search with few hits runs once. Counting them and reading their page then uses their primary keys.
        keys = list(found.order_by().values_list("pk", flat=True)[: self._FEW_HITS + 1])
        return found if len(keys) > self._FEW_HITS else queryset.filter(pk__in=keys)

    def as_spreadsheet(self, queryset: QuerySet[Enquiry], spreadsheet_format: str) -> StreamingHttpResponse:
        if not self.permission_helper.user_can_export(self.request.user):
            raise PermissionDenied
        return spreadsheet_response(queryset, spreadsheet_format, timezone.now())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.get_queryset()
        context = super().get_context_data(**kwargs)
        context["user_can_export"] = self.permission_helper.user_can_export(self.request.user)
        # A part, which is chosen in the menu, does not unfold the filters, so that the enquiries stay at the top.
        context["is_filtered"] = any(name in self.request.GET for name in _FILTER_PARAMETERS - _PART)
        context["chosen_filters"] = [
            choice["display"]
            for spec in self.filter_specs
            for choice in list(spec.choices(self))[1:]
            if choice["selected"]
        ]
        # Wagtail uses the plural of the model's name after the number, which is wrong in Finnish.
        context["result_words"] = words = in_words(context["result_count"], most=MOST_LISTED)
        label = ngettext("%(count)s enquiry", "%(count)s enquiries", context["result_count"]) % {"count": words}
        context["paginator"].items_count_label = label
        return context


class EnquiryAdmin(ModelAdmin):
    model = Enquiry
    base_url_path = "yhteydenotot"
    menu_label = gettext_lazy("All")
    menu_icon = "mail"
    permission_helper_class = EnquiryPermissionHelper
    button_helper_class = EnquiryButtonHelper
    index_view_class = EnquiryIndexView
    inspect_view_enabled = True
    history_view_enabled = False
    list_display = ("name", "reference", "status_words", "supervision_form", "kind_words", "received", "age", "mail")
    list_filter = (DeskFilter, *_FILTERED_FIELDS, *MAPPING_FILTERS)
    list_export = ("reference",)
    list_per_page = 50
    # Makes the view show the search field. get_search_results() does the search.
    search_fields = ("search_text",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Enquiry]:
        return Enquiries(Enquiry).filter(NO_PROOF).order_by(*(Enquiry._meta.ordering or ()))

    def get_extra_class_names_for_field_col(self, obj: Enquiry, field_name: str) -> list[str]:
        late = field_name == "mail" and obj.mail_is_late
        suspicious = field_name == "status_words" and obj.is_quarantined and not obj.is_closed
        return ["enquiry-alert"] if late or suspicious else []

    def get_extra_attrs_for_field_col(self, obj: Enquiry, field_name: str) -> dict[str, str]:
        """Return the heading of the cell, for narrow screens that show rows as cards, and the full text of a name."""
        label = str(label_for_field(field_name, Enquiry, self))
        whole = {"title": obj.name} if field_name == "name" else {}
        return {"data-label": label[:1].upper() + label[1:], **whole}

    def status_words(self, obj: Enquiry) -> str:
        if obj.is_closed:
            return f"{obj.get_status_display()}: {obj.get_outcome_display()}"
        if obj.is_quarantined:
            return _("%(status)s – suspicious") % {"status": obj.get_status_display()}
        return obj.get_status_display()

    status_words.short_description = gettext_lazy("Status")  # type: ignore[attr-defined]
    status_words.admin_order_field = "status"  # type: ignore[attr-defined]

    def kind_words(self, obj: Any) -> str:
        """Return the kind, and whether a message has a mapping. Needs an enquiry annotated by EnquiryPaginator."""
        if obj.kind != Kind.CONTACT or obj.mapping_begun_at is None:
            return str(obj.get_kind_display())
        return _("Message and initial mapping") if obj.mapping_sent_at else _("Message, initial mapping under way")

    kind_words.short_description = gettext_lazy("Kind")  # type: ignore[attr-defined]
    kind_words.admin_order_field = "kind"  # type: ignore[attr-defined]

    def received(self, obj: Enquiry) -> str:
        return finnish_moment(obj.received_at).replace("klo ", "klo\N{NO-BREAK SPACE}")

    received.short_description = gettext_lazy("Received")  # type: ignore[attr-defined]
    received.admin_order_field = "received_at"  # type: ignore[attr-defined]

    def age(self, obj: Enquiry) -> str:
        days = obj.age_in_days(timezone.localdate())
        return ngettext("%(days)d day", "%(days)d days", days) % {"days": days} if days > 0 else _("today")

    age.short_description = gettext_lazy("Age")  # type: ignore[attr-defined]

    def mail(self, obj: Enquiry) -> str:
        if obj.mail_is_late:
            return str(MailState.FAILED.label)
        return str(MailState(obj.mail_state).label) if obj.mail_state else _("No mail")

    mail.short_description = gettext_lazy("Mail")  # type: ignore[attr-defined]

    def get_admin_urls_for_registration(self) -> tuple[Any, ...]:
        """Return the existing views only: no create, edit or history view. Other paths below are 403 or 404."""
        base, helper = self.url_helper.base_url_path, self.permission_helper

        def route(pattern: str, view: Callable[..., HttpResponseBase], allowed: Callable[..., bool], name: str) -> Any:
            full_name = self.url_helper.get_action_url_name(name)
            return re_path(rf"^{base}/{pattern}$", guarded(told_if_gone(view), allowed), name=full_name)

        def acting(pattern: str, view: Callable[..., HttpResponseBase], name: str) -> Any:
            return route(pattern, action(view), helper.user_can_review, name)

        pk = r"(?P<instance_pk>[0-9]{1,18})/"
        return (
            route("", self.index_view, helper.user_can_list, "index"),
            route(f"inspect/{pk}", read, helper.user_can_list, "inspect"),
            acting(f"status/{pk}", save, "status"),
            acting(f"spam/{pk}", close_as_spam, "spam"),
            acting(f"preparation/{pk}", save_preparation, "preparation"),
            route(f"link/{pk}", send_mapping, helper.user_can_review, "link"),
            route(f"waiting-link/{pk}", send_place, helper.user_can_review, "waiting_link"),
            route(f"yhteenveto/{pk}", summary, helper.user_can_list, "summary"),
            route(f"yhteenveto/{pk}kopio/", senders_copy, helper.user_can_list, "copy"),
            acting(f"accept/{pk}", accept, "accept"),
            acting(f"mail/{pk}(?P<mail_pk>[0-9]{{1,18}})/", resend, "mail"),
            route(f"delete/{pk}", delete, helper.user_can_remove, "delete"),
            route(".*", nothing_here, helper.user_can_list, "nothing"),
        )


class FilteredListItem(MenuItem):
    """A menu item for a part of the list."""

    def is_shown(self, request: HttpRequest) -> bool:
        return request.user.has_perm("intake.view_enquiry")


class EnquiryGroup(ModelAdminGroup):
    menu_label = gettext_lazy("Enquiries")
    menu_icon = "mail"
    menu_order = 50
    items = (EnquiryAdmin,)

    def get_submenu_items(self) -> list[MenuItem]:
        return [
            FilteredListItem(Part.NEW.label, list_address(Part.NEW), icon_name="mail", order=1, name="new"),
            *super().get_submenu_items(),
            FilteredListItem(
                gettext_lazy("Waiting list"), reverse("waiting_list"), icon_name="list-ol", order=2, name="waiting-list"
            ),
            FilteredListItem(
                Part.SUSPICIOUS.label, list_address(Part.SUSPICIOUS), icon_name="warning", order=3, name="suspicious"
            ),
        ]
