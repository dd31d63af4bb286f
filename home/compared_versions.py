"""What differs between two versions of a page, in words: Wagtail shows a moment and a tick as Python prints them."""

from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from wagtail.admin.compare import FieldComparison, register_comparison_class

from home.dates import finnish_moment


class _InWords(FieldComparison):  # type: ignore[misc]
    def __init__(self, field: Any, obj_a: models.Model, obj_b: models.Model) -> None:
        super().__init__(field, obj_a, obj_b)
        self.val_a = _in_words(field.value_from_object(obj_a))
        self.val_b = _in_words(field.value_from_object(obj_b))


def _in_words(value: datetime | bool | None) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return finnish_moment(value)


for _field in (models.DateTimeField, models.BooleanField):
    register_comparison_class(_field, comparison_class=_InWords)
