"""Accounts of the admin, attempts counted by the limits on passwords, and requests for a new password."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from home.text_input import LONGEST_ADDRESS, EmailAddressField, address_as_sent, readable_address


class UserManager(BaseUserManager["User"]):
    def of_address(self, typed: str) -> models.QuerySet["User"]:
        """Return the account with this address, in whatever spelling it was typed: one or none."""
        try:
            return self.filter(email__iexact=readable_address(address_as_sent(typed)))
        except ValueError:
            return self.none()

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.of_address(username or "").get()

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an account. Raises ValidationError for an invalid address. Without a password nobody can sign in."""
        user = self.model(email=self.model._meta.get_field("email").clean(email, None), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]
    """A person who signs in to the admin with an e-mail address and is shown by name."""

    # Django requires USERNAME_FIELD to be unique. The constraint below also ignores upper and lower case.
    email = EmailAddressField(
        _("E-mail address"),
        max_length=LONGEST_ADDRESS,
        unique=True,
        error_messages={"unique": _("Another account has this e-mail address.")},
    )
    # Every form requires a name; the account of the first start may have none.
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
        """The name, under the only attribute that Wagtail's side menu reads."""
        return self.name


class AttemptTrace(models.Model):
    """One counted attempt (or one known browser), stored under a keyed hash and removed after it has expired."""

    key = models.CharField(max_length=64)
    attempted_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["key", "attempted_at"], name="attempts_of_key")]

    def __str__(self) -> str:
        return str(self.pk)


class PasswordResetRequest(models.Model):
    """A request for a new password for this address. The worker checks whether the address has an account."""

    email = models.EmailField(max_length=254)
    requested_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ["pk"]

    def __str__(self) -> str:
        return str(self.pk)
