"""The private links in the mails that a server took."""

import re

from tests.tools.smtp_server import SmtpServer


def secrets_in_mails(server: SmtpServer) -> set[str]:
    """The secret of every private address in any part of any mail."""
    found: set[str] = set()
    for message in server.messages:
        for part in message.walk():
            if part.get_content_maintype() == "text":
                found |= set(re.findall(r"/jatka/([\w-]+)/", part.get_content()))
    return found
