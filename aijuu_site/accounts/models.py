"""Accounts of the admin, what the limits on passwords count, and requests for a new password."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from home.text_input import LONGEST_ADDRESS, EmailAddressField, address_as_sent, readable_address


class UserManager(BaseUserManager["User"]):
    def of_address(self, typed: str) -> models.QuerySet["User"]:
        """The account of an address, however somebody writes it: one or none."""
        try:
            return self.filter(email__iexact=readable_address(address_as_sent(typed)))
        except ValueError:
            return self.none()

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.of_address(username or "").get()

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Raises ValidationError for what is no address; without a password nobody can sign in."""
        user = self.model(email=self.model._meta.get_field("email").clean(email, None), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]
    """Whoever signs in to the admin: by e-mail address, shown by name."""

    # Unique as it is written, too: Django asks it of the field that one signs in with.
    email = EmailAddressField(
        _("E-mail address"),
        max_length=LONGEST_ADDRESS,
        unique=True,
        error_messages={"unique": _("Another account has this e-mail address.")},
    )
    # Every form asks for it; the account of the first start may have to do without.
    name = models.CharField(_("Name"), max_length=150)
    is_active = models.BooleanField(
        _("May sign in"),
        default=True,
        help_text=_("Untick this instead of removing the account: what the person did stays under their name."),
    )

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="one_account_of_an_address",
                violation_error_message=_("Another account has this e-mail address."),
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    @property
    def first_name(self) -> str:
        """Wagtail's side menu has no other way to a name."""
        return self.name


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
