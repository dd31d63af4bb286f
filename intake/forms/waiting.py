"""The form that takes somebody on the waiting list: few questions, and mail only for who asks for it."""

from django import forms
from django.utils.translation import gettext_lazy as _

from intake.forms.contact import ContactFactsForm
from intake.forms.fields import TypedTextField

WISH_LIMIT = 1000


class WaitingForm(ContactFactsForm):
    """Contact facts, a wish, and a box for mail on the return that nobody has ticked beforehand."""

    # Not asked: the page says how the list is told.
    preferred_contact = None  # type: ignore[assignment]

    message = TypedTextField(
        label=_("What do you wish for?"),
        limit=WISH_LIMIT,
        several_lines=True,
        required=False,
        help_text=_("A sentence or two is enough. You can also leave this empty."),
        error_messages={"too_long": _("Shorten the wish: now %(length)d characters, at most %(limit)d.")},
        widget=forms.Textarea(attrs={"rows": 4, "data-limit": WISH_LIMIT}),
    )
    wants_mail = forms.BooleanField(
        label=_("I want e-mail when Aijuu returns from its break."),
        required=False,
        help_text=_(
            "You are then also asked by e-mail every few months whether you are still waiting. Without e-mail Kati "
            "gets in touch with you herself after the break."
        ),
    )

    message_limit = WISH_LIMIT
