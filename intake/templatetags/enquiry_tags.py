"""Template filters for enquiries in the admin."""

from django import template
from django.utils.translation import gettext as _

from home.dates import finnish_moment
from home.text_input import readable_address
from intake import typed_text
from intake.choices import MailState
from intake.enquiry.models import Enquiry, enquiry_url
from intake.mail.models import OutgoingMail

register = template.Library()


@register.filter
def readable_phone(e164: str) -> str:
    return typed_text.readable_phone(e164)


@register.filter
def readable_email(sent: str) -> str:
    return readable_address(sent)


@register.filter
def reply_subject(enquiry: Enquiry) -> str:
    """Return the subject of the supervisor's reply: the reference only."""
    return _("Your enquiry %(reference)s") % {"reference": enquiry.reference}


@register.filter
def mail_state_words(mail: OutgoingMail) -> str:
    """Return the state of a mail and, if sent or to be retried, the time."""
    if mail.state == MailState.SENT and mail.sent_at:
        return _("sent %(time)s") % {"time": finnish_moment(mail.sent_at)}
    if mail.state == MailState.QUEUED and mail.failures and mail.next_attempt_at:
        return _("not sent, tried again %(time)s") % {"time": finnish_moment(mail.next_attempt_at)}
    return str(MailState(mail.state).label).lower()


register.simple_tag(enquiry_url)
