"""What the limits on passwords count, and requests for a new password until the worker has answered them."""

from django.db import models


class AttemptTrace(models.Model):
    """One attempt of some account or network address, under a keyed hash; removed when no limit counts it any more."""

    key = models.CharField(max_length=64)
    attempted_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["key", "attempted_at"], name="attempts_of_key")]

    def __str__(self) -> str:
        return str(self.pk)


class PasswordResetRequest(models.Model):
    """Somebody asked for a new password for this address; the worker looks whether it has an account."""

    email = models.EmailField(max_length=254)
    requested_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ["pk"]

    def __str__(self) -> str:
        return str(self.pk)
