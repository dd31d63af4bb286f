from django.db import models


class SeenProblem(models.Model):
    """A problem that a check has found, and when it was told by mail. Its words are not stored."""

    key = models.CharField(max_length=200, unique=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.key
