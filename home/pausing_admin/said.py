"""What the admin says after a change of the pause."""

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

# The form beside the card (templates/home/pausing/undo.html), so that the message needs no form of its own.
UNDO_FORM = "pause-undo"


def said_with_undo(words: str | Promise) -> SafeString:
    """`words` and a button that undoes what they tell. The page that shows them has the undo form on it."""
    return format_html(
        '{} <button type="submit" form="{}" class="button button-small button-secondary">{}</button>',
        words,
        UNDO_FORM,
        _("Undo"),
    )
