"""What the supervisor has said herself about a point of the getting-started checklist."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ChecklistMark(models.Model):
    """One point that was marked by hand. A point without a mark speaks for itself (home.checklist)."""

    class State(models.TextChoices):
        DONE = "done", _("Done")
        SET_ASIDE = "set_aside", _("Does not concern me")

    key = models.CharField(_("point"), max_length=60, unique=True)
    state = models.CharField(_("mark"), max_length=10, choices=State.choices)
    marked_at = models.DateTimeField(_("marked"), auto_now=True)

    class Meta:
        verbose_name = _("mark on the checklist")
        verbose_name_plural = _("marks on the checklist")

    def __str__(self) -> str:
        return self.key
