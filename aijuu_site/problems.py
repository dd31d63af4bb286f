"""All current problems, described for the supervisor and the maintainer, and their report by mail.

A mail is sent only if there is a problem: once it lasts, and then weekly.
"""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.template.loader import render_to_string
from django.test import Client
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from wagtail.models import Page

from aijuu_site.backup.status import backup_status
from aijuu_site.domain_check import Network, check_domain, is_public_site
from aijuu_site.models import SeenProblem
from home.dates import finnish_moment
from home.important_pages import page_alarms
from home.pages import linked_pages
from home.site_pages import visitor_url, visitor_urls
from intake.health import read_health
from intake.jobs.schedule import is_from_future
from intake.mail.queue import plain_text
from intake.proof import proof_status

# Two checks in a row, so that one lost packet is not reported.
LASTS_AFTER = timedelta(minutes=30)
TOLD_AGAIN_AFTER = timedelta(days=7)
# Not checked: files, to which the program generates the links, and the admin, which is not for visitors.
_UNCHECKED = (settings.STATIC_URL, settings.MEDIA_URL, settings.ADMIN_PATH)
_MOST_REDIRECTS = 5
# Reported long before the site can't store anything any more (aijuu_site.health).
LITTLE_DISK = 1024 * 1024 * 1024


def must_tell(*, first_seen_at: datetime, told_at: datetime | None, now: datetime) -> bool:
    """Return whether a current problem must be reported now: once it lasts, then weekly."""
    if now - first_seen_at < LASTS_AFTER and not is_from_future(first_seen_at, now):
        return False
    return told_at is None or is_from_future(told_at, now) or now - told_at >= TOLD_AGAIN_AFTER


def is_forgotten(*, last_seen_at: datetime, now: datetime) -> bool:
    """Return whether a problem that is gone counts as a new one if it returns."""
    return now - last_seen_at >= TOLD_AGAIN_AFTER


@dataclass(frozen=True)
class DeadLink:
    """A published page with a dead link. `target` is "" for a link to a page that is deleted or hidden."""

    page: str
    address: str
    target: str


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def dead_links() -> Iterator[DeadLink]:
    """Yield the dead links of all published pages. Sends requests to the application itself, not over the network."""
    client = Client(raise_request_exception=False)
    alive: dict[str, bool] = {}
    for page in Page.objects.live().public().order_by("path").specific():
        address = visitor_url(page)
        if not address:
            continue
        if not all(visitor_urls(list(linked_pages(page)))):
            yield DeadLink(page.title, address, "")
        links = _Links()
        shown = _get(client, address)
        links.feed("" if shown.streaming else shown.content.decode("utf-8", errors="replace"))
        for target in dict.fromkeys(_inside(link, address) for link in links.found):
            if not target:
                continue
            if target not in alive:
                alive[target] = _leads_somewhere(client, target)
            if not alive[target]:
                yield DeadLink(page.title, address, target)


def _inside(link: str, page: str) -> str:
    """Return the path of a link that stays inside the site; "" for any other."""
    try:
        parts = urlsplit(urljoin(f"{settings.SITE_URL}{page}", link))
    except ValueError:
        return ""
    own = urlsplit(settings.SITE_URL)
    if (parts.scheme, parts.netloc) != (own.scheme, own.netloc) or parts.path.startswith(_UNCHECKED):
        return ""
    return parts.path


def _leads_somewhere(client: Client, target: str) -> bool:
    """Return whether a visitor gets a page at the end of the redirects, or is redirected out of the site."""
    for _redirect in range(_MOST_REDIRECTS):
        answer = _get(client, target)
        if not 300 <= answer.status_code < 400:
            return answer.status_code < 400
        target = _inside(answer.headers.get("Location", ""), target)
        if not target:
            return True
    return False


def _get(client: Client, path: str) -> Any:
    own = urlsplit(settings.SITE_URL)
    headers = {"host": own.netloc, "x-forwarded-proto": own.scheme}
    return client.get(path, headers=headers, secure=settings.HTTPS)


@dataclass(frozen=True)
class Problem:
    """Something that is wrong. `key` stays the same as long as the problem does; the text may change."""

    key: str
    words: str


def problems_of_site(*, now: datetime) -> list[Problem]:
    """Return the problems of the site that can be found without the network."""
    return [*_of_mail(now), *_of_backup(now), *_of_form(now), *_of_pages(), *_of_disk()]


def all_problems(network: Network, *, now: datetime) -> list[Problem]:
    """Return the problems of the site and, if it is public, of its domain."""
    return [*problems_of_site(now=now), *(_of_domain(network, now) if is_public_site() else ())]


def _of_mail(now: datetime) -> Iterator[Problem]:
    health = read_health(now=now)
    if health.silent_since:
        words = _("The part of the site that sends mail has shown no sign of life since %(moment)s.")
        yield Problem("worker", words % {"moment": finnish_moment(health.silent_since)})
    if health.mail_since:
        words = _("Mail does not go out: the oldest one has waited since %(moment)s.")
        yield Problem("mail", words % {"moment": finnish_moment(health.mail_since)})
    for job in health.failing:
        words = _("This does not succeed: %(title)s") % {"title": job.title}
        yield Problem(f"job {job.name}", f"{words}. {job.about}" if job.about else words)


def _of_backup(now: datetime) -> Iterator[Problem]:
    status = backup_status(now=now)
    if status.is_late and status.last:
        words = _("The last good backup is of %(moment)s.")
        yield Problem("backup", words % {"moment": finnish_moment(status.last.begun_at)})
    elif status.is_late:
        yield Problem("backup", _("No backup has succeeded yet."))


def _of_form(now: datetime) -> Iterator[Problem]:
    status = proof_status(now=now)
    if status.last and not status.last.has_passed:
        words = _("The contact form did not pass its test on %(moment)s.")
        yield Problem("form", words % {"moment": finnish_moment(status.last.started_at)})
    elif status.last and status.is_late:
        words = _("The contact form was last tested on %(moment)s.")
        yield Problem("form", words % {"moment": finnish_moment(status.last.started_at)})


def _of_pages() -> Iterator[Problem]:
    for alarm in page_alarms():
        yield Problem(f"page {alarm.page.pk if alarm.page else alarm.address}", " ".join([alarm.what, *alarm.stops]))
    for link in dead_links():
        if link.target:
            words = _("On the page “%(title)s” (%(address)s) a link leads nowhere: %(target)s")
        else:
            words = _("On the page “%(title)s” (%(address)s) there is a link to a page that is gone or hidden.")
        yield Problem(f"link {link.address} {link.target}"[:200], words % {**vars(link), "title": link.page})


def _of_disk() -> Iterator[Problem]:
    free = shutil.disk_usage(settings.DATA_DIR).free
    if free < LITTLE_DISK:
        yield Problem("disk", _("The disk is nearly full: %(free)d MB are free.") % {"free": free // 1024**2})


def _of_domain(network: Network, now: datetime) -> Iterator[Problem]:
    found = check_domain(network, now=now, selector=settings.DKIM_SELECTOR)
    silent = [finding.name for finding in found if not finding.is_known]
    if silent:
        # One problem, instead of one for each record.
        words = _("DNS does not answer the site's machine, so nothing is known about %(names)s.")
        yield Problem("dns", words % {"names": ", ".join(dict.fromkeys(silent))})
    for finding in found:
        # Without a selector, DKIM can't be checked. Only `manage.py check_domain` shows that.
        if not finding.held and finding.is_known and (finding.name != "DKIM" or settings.DKIM_SELECTOR):
            yield Problem(f"domain {finding.name}", f"{finding.name}: {finding.words}")


def tell_problems(problems: Sequence[Problem], *, now: datetime) -> bool:
    """Record the problems, and send one mail with all of them if any must be reported now. Returns whether it was sent.

    Raises the errors of the mail server; the next check then tries again.
    """
    seen = _record(problems, now)
    due = [row for row in seen if must_tell(first_seen_at=row.first_seen_at, told_at=row.told_at, now=now)]
    if not due or not settings.ALERT_EMAIL:
        return False
    _send(problems)
    # The mail contains all of them.
    SeenProblem.objects.filter(pk__in=[row.pk for row in seen]).update(told_at=now)
    return True


def _record(problems: Sequence[Problem], now: datetime) -> list[SeenProblem]:
    """Record the problems and return their rows; delete the rows of problems that are long gone."""
    keys = {problem.key for problem in problems}
    with transaction.atomic():
        for row in SeenProblem.objects.exclude(key__in=keys):
            if is_forgotten(last_seen_at=row.last_seen_at, now=now):
                row.delete()
        for key in keys:
            SeenProblem.objects.update_or_create(
                key=key,
                defaults={"last_seen_at": now},
                create_defaults={"last_seen_at": now, "first_seen_at": now},
            )
        return list(SeenProblem.objects.filter(key__in=keys))


def _send(problems: Sequence[Problem]) -> None:
    """Send the mail directly, not through the queue, which may be the problem."""
    count = len(problems)
    subject = ngettext("Aijuu's site: %(count)d problem", "Aijuu's site: %(count)d problems", count) % {"count": count}
    text = plain_text(render_to_string("problems/mail.txt", {"problems": problems, "site": settings.SITE_URL}))
    connection = get_connection(**settings.ALERT_EMAIL_SERVER)
    user = settings.ALERT_EMAIL_SERVER.get("username", "")
    message = EmailMessage(
        subject=subject,
        body=text,
        # Another provider accepts only its own addresses as the sender.
        from_email=user if "@" in user else settings.DEFAULT_FROM_EMAIL,
        to=settings.ALERT_EMAIL,
        headers={"Auto-Submitted": "auto-generated"},
        connection=connection,
    )
    with contextlib.closing(connection):
        message.send()
