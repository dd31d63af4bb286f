"""Private links in mails: those in delivered mails, and a new one for an enquiry."""

import re
from datetime import datetime

from intake.choices import MailPurpose
from intake.mail.queue import fill_in_links
from intake.mapping.mails import MAPPING_LINK
from intake.models import Enquiry, OutgoingMail
from tests.tools.smtp_server import SmtpServer


def secrets_in_mails(server: SmtpServer) -> set[str]:
    """The secret of every private address in any part of any mail."""
    found: set[str] = set()
    for message in server.messages:
        for part in message.walk():
            if part.get_content_maintype() == "text":
                found |= set(re.findall(r"/jatka/([\w-]+)/", part.get_content()))
    return found


def mail_link_for_enquiry(*, enquiry: Enquiry, now: datetime) -> str:
    """Return the secret of the private link in a mail that is sent now to the sender of this enquiry."""
    mail = OutgoingMail(enquiry=enquiry, purpose=MailPurpose.MAPPING_LINK, text=MAPPING_LINK.placeholder)
    fill_in_links(mail, now)
    return mail.text
