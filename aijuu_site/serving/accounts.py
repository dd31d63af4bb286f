"""The supervisor's account at the first start."""

import secrets
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from aijuu_site.accounts.names import name_is_taken

SUPERVISORS_GROUP = "Työnohjaaja"


@dataclass(frozen=True)
class NewAccount:
    """What was made. `generated_password` is None where the password was given; it is stored nowhere in clear."""

    email: str
    generated_password: str | None
    weaknesses: tuple[str, ...] = ()


def account_exists() -> bool:
    """Tell whether anybody can already do the supervisor's work."""
    users = get_user_model().objects.filter(is_active=True)
    return users.filter(is_superuser=True).exists() or users.filter(groups__name=SUPERVISORS_GROUP).exists()


@transaction.atomic
def ensure_supervisor_account(*, email: str, password: str) -> NewAccount | None:
    """Make the supervisor's account unless there is one; return what was made.

    She is in her group, and a superuser too: somebody must be able to manage accounts. An empty `password` is
    replaced by a generated one. Raises ValidationError where the name belongs to somebody without these rights:
    a start never raises anybody's rights.
    """
    if account_exists():
        return None
    users = get_user_model()
    if name_is_taken(email):
        raise ValidationError(
            f"The account {email} exists but may not supervise, or is not active. "
            "Set another ADMIN_EMAIL: that account can mend this one."
        )
    generated = None if password else secrets.token_urlsafe(12)
    user = users.objects.create_superuser(username=email, email=email, password=generated or password)
    user.groups.add(Group.objects.get_or_create(name=SUPERVISORS_GROUP)[0])
    return NewAccount(email, generated, tuple(_weaknesses(password, user)) if password else ())


def _weaknesses(password: str, user: User) -> list[str]:
    try:
        validate_password(password, user)
    except ValidationError as error:
        return list(error.messages)
    return []
