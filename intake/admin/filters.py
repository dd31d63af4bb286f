"""What a mapping tells, as filters of the list. A value that no filter offers filters nothing."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from intake.choices import Area, DeliveryMode
from intake.models.enquiry import Enquiry


class _OfferedFilter(SimpleListFilter):
    """A filter whose value must be one of its own."""

    def value(self) -> str | None:
        chosen = super().value()
        return chosen if chosen in {str(value) for value, _label in self.lookup_choices} else None

    def queryset(self, request: HttpRequest, queryset: QuerySet[Enquiry]) -> QuerySet[Enquiry]:
        chosen = self.value()
        return queryset if chosen is None else self.chosen(queryset, chosen)

    def chosen(self, queryset: QuerySet[Enquiry], value: str) -> QuerySet[Enquiry]:
        raise NotImplementedError


class GroupSizeFilter(_OfferedFilter):
    title = _("size of the group")
    parameter_name = "group_size"
    # The ideal is 3–6 (intake.mapping.differences).
    _BANDS: ClassVar[dict[str, tuple[Any, Q]]] = {
        "1-2": ("1–2", Q(group_size__lte=2)),
        "3-6": ("3–6", Q(group_size__range=(3, 6))),
        "7-12": ("7–12", Q(group_size__range=(7, 12))),
        "13-": (_("13 or more"), Q(group_size__gte=13)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(value, label) for value, (label, _condition) in self._BANDS.items()]

    def chosen(self, queryset: QuerySet[Enquiry], value: str) -> QuerySet[Enquiry]:
        return queryset.filter(self._BANDS[value][1])


class DeliveryModeFilter(_OfferedFilter):
    """Those who chose this way of meeting, perhaps among others."""

    title = _("where to meet")
    parameter_name = "delivery_mode"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return list(DeliveryMode.choices)

    def chosen(self, queryset: QuerySet[Enquiry], value: str) -> QuerySet[Enquiry]:
        # SQLite has no look-up in a JSON list. The values are words of ours, so the quoted word is there only whole.
        listed = queryset.annotate(delivery_modes_text=Cast("delivery_modes", TextField()))
        return listed.filter(delivery_modes_text__contains=f'"{value}"')


class AreaFilter(_OfferedFilter):
    title = _("area")
    parameter_name = "area"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return list(Area.choices)

    def chosen(self, queryset: QuerySet[Enquiry], value: str) -> QuerySet[Enquiry]:
        return queryset.filter(area=value)


class PayerFilter(_OfferedFilter):
    """The payers that enquiries have: the supervisor words the choices herself, and may have changed them since."""

    title = _("payer")
    parameter_name = "payer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        in_use = Enquiry.objects.exclude(payer="").order_by("payer").values_list("payer", flat=True).distinct()
        return [(payer, payer) for payer in in_use]

    def chosen(self, queryset: QuerySet[Enquiry], value: str) -> QuerySet[Enquiry]:
        return queryset.filter(payer=value)


MAPPING_FILTERS = (GroupSizeFilter, DeliveryModeFilter, AreaFilter, PayerFilter)
