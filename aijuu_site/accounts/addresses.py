"""The addresses at which the practice gets its mail: who changes them would read along, so it is asked for and told."""

from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from home.models import ContactDetails
from intake.choices import MailPurpose
from intake.models.settings import IntakeSettings
from intake.services.outbox import put_in_queue
from intake.services.queueing import supervisor_address

_EDITED_AT = "wagtailsettings:edit"
_ADDRESSES: tuple[tuple[type[IntakeSettings | ContactDetails], str], ...] = (
    (IntakeSettings, "notification_email"),
    (ContactDetails, "email"),
)


def changes_addresses(request: HttpRequest) -> bool:
    """Whether this post is a form that would change where mail to the practice goes. A mistyped one changes nothing."""
    match = request.resolver_match
    if match is None or match.view_name != _EDITED_AT:
        return False
    for model, name in _ADDRESSES:
        if _is_of(model, match.kwargs.get("app_name"), match.kwargs.get("model_name")):
            if not request.user.has_perm(f"{model._meta.app_label}.change_{model._meta.model_name}"):
                # Wagtail's own view turns them away.
                return False
            try:
                typed = model._meta.get_field(name).to_python(request.POST.get(name, "").strip())
            except ValidationError:
                return False
            return bool(typed != getattr(model.load(), name))
    return False


def practice_addresses() -> dict[str, str]:
    """Return where notices of new enquiries go, and where people are told to write."""
    details = ContactDetails.load()
    return {"notices": supervisor_address(details), "answers": details.email}


def tell_old_addresses(*, before: dict[str, str], after: dict[str, str], by: str) -> None:
    """Queue a mail to each address that mail went to and goes to no more, in the caller's transaction."""
    changed = [name for name, address in before.items() if address != after[name]]
    for address in sorted({before[name] for name in changed if before[name]}):
        _queue(address, [name for name in changed if before[name] == address], by, timezone.now())


def _is_of(model: type[Model], app_label: object, model_name: object) -> bool:
    return (model._meta.app_label, model._meta.model_name) == (app_label, model_name)


def _queue(address: str, changed: list[str], by: str, now: datetime) -> None:
    context = {
        "changed": changed,
        "by": by,
        "changed_at": now,
        "reset_url": settings.SITE_URL + reverse("wagtailadmin_password_reset"),
    }
    put_in_queue(
        enquiry=None,
        # Like any change of an account: it goes to the address of then, whatever has been set since.
        purpose=MailPurpose.ACCOUNT_CHANGED,
        occasion=get_random_string(40),
        recipient=address,
        reply_to="",
        subject=_("Mail of %(site)s goes to another address now") % {"site": settings.WAGTAIL_SITE_NAME},
        text=render_to_string("emails/address_changed.txt", context),
        html=render_to_string("emails/address_changed.html", context),
        now=now,
    )
