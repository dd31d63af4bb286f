"""Everything that is wrong now, in words for the supervisor and the maintainer."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from aijuu_site.backup.status import backup_status
from aijuu_site.problems.domain import Network, check_domain, is_public_site
from aijuu_site.problems.links import dead_links
from home.dates import finnish_moment
from home.important_pages import page_alarms
from intake.health import read_health
from intake.proof import proof_status

# Long before the site can't store anything (aijuu_site.health).
LITTLE_DISK = 1024 * 1024 * 1024


@dataclass(frozen=True)
class Problem:
    """Something that is wrong. `key` is the same as long as it is the same problem; the words may change."""

    key: str
    words: str


def problems_of_site(*, now: datetime) -> list[Problem]:
    """Return what is wrong with the site, without asking the network."""
    return [*_of_mail(now), *_of_backup(now), *_of_form(now), *_of_pages(), *_of_disk()]


def all_problems(network: Network, *, now: datetime) -> list[Problem]:
    """Return what is wrong with the site and, where it is public, with its domain."""
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
        yield Problem(f"job {job.name}", _("This does not succeed: %(title)s") % {"title": job.title})


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
        # One problem, and not that of each record.
        words = _("DNS does not answer the site's machine, so nothing is known about %(names)s.")
        yield Problem("dns", words % {"names": ", ".join(dict.fromkeys(silent))})
    for finding in found:
        # Without a selector, DKIM can't be checked; that is told by the command only.
        if not finding.held and finding.is_known and (finding.name != "DKIM" or settings.DKIM_SELECTOR):
            yield Problem(f"domain {finding.name}", f"{finding.name}: {finding.words}")
