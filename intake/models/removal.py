"""What stays of an enquiry that was removed: a count, nothing of the person."""

from django.db import models

from intake.choices import Kind, Outcome


class RemovedEnquiry(models.Model):
    """How many enquiries of one kind and outcome were removed on one day."""

    removed_on = models.DateField()
    kind = models.CharField(max_length=10, choices=Kind)
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["removed_on", "kind", "outcome"], name="removed_count_once_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.removed_on} {self.kind} {self.outcome}: {self.count}"
