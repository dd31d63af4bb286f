"""Marks that keep the form and the automatic mail from being misused: keyed hashes only, and the key of them."""

from django.db import models

from intake.choices import MailPurpose


class PostingTrace(models.Model):
    """One accepted post from one network address; removed after an hour."""

    address_key = models.CharField(max_length=64, db_index=True)
    posted_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class AutomaticReplyTrace(models.Model):
    """One automatic mail to one mailbox; removed after a day."""

    recipient_key = models.CharField(max_length=64, db_index=True)
    purpose = models.CharField(max_length=20, choices=MailPurpose, default=MailPurpose.CONFIRMATION)
    replied_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class HashKey(models.Model):
    """The key of the hashes that stand in this database, in one row (intake.keyed_hash)."""

    secret = models.CharField(max_length=100)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)
