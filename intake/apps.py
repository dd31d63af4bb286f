from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntakeConfig(AppConfig):
    """What visitors send, and what the supervisor does with it."""

    name = "intake"
    verbose_name = _("Enquiries")
