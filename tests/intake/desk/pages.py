"""Addresses of the admin's enquiry pages, and reading what they show."""

import html
import re
import uuid
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db.models import QuerySet
from django.test import RequestFactory
from django.urls import resolve
from django.utils import timezone

from aijuu_site.accounts.models import User
from home.models import PauseNotice
from intake.enquiry.services import receive_enquiry
from intake.models import Enquiry, MailAttempt, OutgoingMail
from intake.submission import FormOpening, ShownTexts, SpamSigns, Submission
from tests.intake.enquiries import facts

LIST = "/admin/yhteydenotot/"


class HasContent(Protocol):
    content: bytes


def address(action: str, enquiry: Enquiry, *more: object) -> str:
    return f"{LIST}{'/'.join(str(part) for part in (action, enquiry.pk, *more))}/"


def words(response: HasContent) -> str:
    """Return the visible text of the page, with single spaces."""
    page = re.sub(r"<(script|style|template|svg)\b.*?</\1>", " ", response.content.decode(), flags=re.S)
    text = html.unescape(re.sub(r"<[^>]+>", " ", page))
    return re.sub(r"\s+", " ", text)


def rows(response: HasContent) -> list[dict[str, str]]:
    """Return the rows of the list, each a dict of column heading to cell text."""
    found = []
    for row in re.findall(
        r"<tr data-object-pk.*?</tr>|<tr[^>]*data-object-pk.*?</tr>", response.content.decode(), re.S
    ):
        cells = re.findall(r"<td([^>]*)>(.*?)</td>", row, re.S)
        found.append(
            {
                html.unescape(_label(attributes)): re.sub(
                    r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", cell))
                ).strip()
                for attributes, cell in cells
            }
        )
    return found


def _label(attributes: str) -> str:
    label = re.search(r'data-label="([^"]*)"', attributes)
    assert label, attributes
    return label[1]


def names(response: HasContent) -> list[str]:
    return [row["Nimi"] for row in rows(response)]


def listed(user: User, query: str) -> list[Enquiry]:
    """Return the enquiries of a list page from the view's context: rendering the page takes five times as long."""
    return list(_list_context(user, query)["object_list"])


def found_by(user: User, query: str) -> QuerySet[Enquiry]:
    """Return the queryset that the list paginates."""
    found: QuerySet[Enquiry] = _list_context(user, query)["paginator"].object_list
    return found


def _list_context(user: User, query: str) -> dict[str, Any]:
    request = RequestFactory().get(f"{LIST}?{query}")
    request.user = user
    response = resolve(LIST).func(request)
    assert response.status_code == 200, query[:80]
    context: dict[str, Any] = response.context_data
    return context


def suspicious(*, now: datetime | None = None, **changes: Any) -> Enquiry:
    """Store an enquiry that the rules find suspicious, because a hidden field was filled in."""
    moment = now or timezone.now()
    return receive_enquiry(
        submission=Submission(
            facts=facts(**changes),
            opening=FormOpening(submission_id=uuid.uuid4(), opened_at=moment - timedelta(minutes=5)),
            signs=SpamSigns(seconds_open=300, hidden_field="x"),
            shown=ShownTexts(),
            address_key=uuid.uuid4().hex,
        ),
        pause=PauseNotice.load().status(now=moment),
        now=moment,
    )


def failed_once(mail: OutgoingMail, *, at: datetime, code: int | None = None) -> None:
    """Store the mail as the worker does after a first failed attempt."""
    mail.failures = 1
    mail.next_attempt_at = at + timedelta(minutes=1)
    mail.save()
    MailAttempt.objects.create(
        mail=mail,
        attempted_at=at,
        succeeded=False,
        error="ConnectionRefusedError",
        smtp_code=code,
        server_unavailable=code is None,
    )
