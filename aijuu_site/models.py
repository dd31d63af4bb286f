"""The records of the site itself: backups, the removals that a restored one repeats, problems, changes of pages."""

from django.db import models


class Backup(models.Model):
    """One attempt at a backup. The backup is good once `checked_at` is set."""

    # The name of the file at the destination.
    name = models.CharField(max_length=100, unique=True)
    begun_at = models.DateTimeField(db_index=True)
    # When the file was read again and equalled what was written. None while the backup is made, and after a failure.
    checked_at = models.DateTimeField(null=True, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    # The type of the error that ended it. No message is stored: it may quote a visitor.
    error = models.CharField(max_length=100, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["-begun_at"]

    def __str__(self) -> str:
        return self.name


class Removal(models.Model):
    """A removal of somebody's data: a keyed hash of a random id, written in the removing transaction.

    The worker writes it to the destination of the backups (aijuu_site.backup.removals).
    """

    kind = models.CharField(max_length=20)
    digest = models.CharField(max_length=64)
    removed_at = models.DateTimeField(db_index=True)
    exported_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class SeenProblem(models.Model):
    """A problem that a check has found, and when it was reported by mail. Its text is not stored."""

    key = models.CharField(max_length=200, unique=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.key


class PageChange(models.Model):
    """A row for each change of the content of public pages (aijuu_site.kept_pages.generation), without its details."""

    def __str__(self) -> str:
        return f"change {self.pk}"
