"""Each mail of a running site, rendered as it would be sent."""

import json
from dataclasses import dataclass

from tests.tools.public_views.stage import Site

# Leaves no data in the site.
_RENDER = """
import json
from django.db import transaction
from django.utils import timezone
from tests.intake.mail.every_mail import every_mail
with transaction.atomic():
    mails = {name: [mail.subject, mail.text, mail.html] for name, mail in every_mail(timezone.now()).items()}
    transaction.set_rollback(True)
print(json.dumps(mails))
"""


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail's subject and its two parts."""

    subject: str
    text: str
    html: str


def rendered_mails(site: Site) -> dict[str, RenderedMail]:
    """Return every variant of every mail, by its name in tests.intake.mail.every_mail."""
    return {name: RenderedMail(*parts) for name, parts in json.loads(site.run(_RENDER)).items()}
