"""The state of the worker and its periodic jobs. No error message is stored: it may quote a visitor."""

from django.db import models


class JobRun(models.Model):
    """The latest run of one periodic job (intake.jobs)."""

    name = models.CharField(max_length=50, unique=True)
    started_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    # Failures in a row; they determine the next wait.
    failures = models.PositiveIntegerField(default=0)
    # How many items failed in the latest successful run.
    failing_items = models.PositiveIntegerField(default=0)
    # Their names, for jobs with Job.item_name.
    failing_names = models.TextField(blank=True)
    # The type of the last error, "" after a success.
    error = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["name"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class ClockSlip(models.Model):
    """When stored times were first seen to lie in the future, in one row (intake.periodic_jobs)."""

    seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class WorkerHeartbeat(models.Model):
    """When the worker was last alive, in one row."""

    beat_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)
