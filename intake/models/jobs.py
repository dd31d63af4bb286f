"""How the worker and its periodic jobs are doing. Nothing of a visitor's stands here, and no text of an error."""

from django.db import models


class JobRun(models.Model):
    """The latest run of one periodic job (intake.jobs)."""

    name = models.CharField(max_length=50, unique=True)
    started_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    # Failures in a row: they decide the next wait.
    failures = models.PositiveIntegerField(default=0)
    # Of a run that succeeded: how many of its items failed, each for itself.
    failing_items = models.PositiveIntegerField(default=0)
    # What they are called, for jobs whose items may be named (Job.item_name).
    failing_names = models.TextField(blank=True)
    # The kind of the last error, "" after a success.
    error = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["name"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class ClockSlip(models.Model):
    """Since when stored moments have been seen ahead of the clock, in one row (intake.services.clock)."""

    seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class WorkerHeartbeat(models.Model):
    """The worker's last sign of life, in one row."""

    beat_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)
