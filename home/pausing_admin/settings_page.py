"""The settings of the pause at Wagtail's own address, saved through the service."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import ObjectList, Panel
from wagtail.contrib.settings.views import EditView

from home.models import PauseNotice
from home.pausing_admin.form import PauseForm
from home.pausing_admin.said import said_with_undo
from home.services.pausing import PauseChangedMeanwhile, undoable


@cache
def _panel() -> Panel:
    return ObjectList(PauseNotice.panels, base_form_class=PauseForm).bind_to_model(PauseNotice)


def pause_form_class() -> type[PauseForm]:
    """The form with all the fields that the page has."""
    form_class: type[PauseForm] = _panel().get_form_class()
    return form_class


class PauseSettingsView(EditView):
    """Wagtail's page of a setting, with a preview of what is not saved yet, and a way back after a change."""

    template_name = "home/pausing/settings.html"
    error_message = _("The pause could not be saved. Check what is marked.")

    def get_panel(self) -> Panel:
        return _panel()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "undoable": undoable(PauseNotice.objects.get(pk=self.object.pk), now=timezone.now()),
        }

    def get_success_message(self) -> str:
        return said_with_undo(_("The pause was saved. Visitors see it so from the next page on."))

    def form_valid(self, form: PauseForm) -> HttpResponse:
        try:
            return super().form_valid(form)
        except PauseChangedMeanwhile:
            form.refuse_old_version()
            self.produced_error_message = self.get_error_message()
            return self.form_invalid(form)
