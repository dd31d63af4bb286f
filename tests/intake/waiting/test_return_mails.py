"""The content of the list mails, and what they must not contain."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from home.dates import finnish_day
from intake.choices import MailPurpose
from intake.mail.delivery import build_message
from intake.models import ContactPage, OutgoingMail, ReturnPlan
from intake.waiting.mails import (
    WAITING_LINK,
    queue_removal_notice,
    queue_return_notice,
    queue_return_reminder,
    queue_still_waiting,
    return_notice_preview,
)
from tests.intake.waiting.list_people import pause, waiter

NOW = datetime(2027, 3, 1, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
LIST = (
    MailPurpose.RETURN_NOTICE,
    MailPurpose.RETURN_REMINDER,
    MailPurpose.STILL_WAITING,
    MailPurpose.REMOVAL_NOTICE,
)


def _plan(**changes: object) -> ReturnPlan:
    values: dict[str, object] = {"created_at": NOW, "per_day": 5, "greeting": "", "answer_days": 14, **changes}
    return ReturnPlan(**values)


@pytest.fixture
def mails(contact_page: ContactPage) -> dict[str, OutgoingMail]:
    """One mail of each purpose, to somebody whose name and address would be recognised in it."""
    place = waiter(now=NOW - timedelta(days=100), email="nimimerkki@esimerkki.fi")
    plan = _plan()
    plan.save()
    queue_return_notice(plan=plan, place=place, now=NOW)
    queue_return_reminder(plan=plan, place=place, now=NOW)
    queue_still_waiting(place=place, is_last=False, months=4, now=NOW)
    queue_removal_notice(place=place, now=NOW)
    return {mail.purpose: mail for mail in OutgoingMail.objects.all()}


@pytest.mark.parametrize("purpose", LIST)
def test_list_mails_are_automatic_with_reply_to_kati(mails: dict[str, OutgoingMail], purpose: str) -> None:
    message = build_message(mails[purpose], now=NOW).message()
    assert message["To"] == "nimimerkki@esimerkki.fi"
    assert message["Reply-To"] == "kati.levola@aijuu.fi"
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("purpose", LIST)
def test_list_mails_contain_no_personal_data(mails: dict[str, OutgoingMail], purpose: str) -> None:
    mail = mails[purpose]
    assert mail.enquiry is not None
    for words in (mail.subject, mail.text, mail.html):
        for written in ("Odottava", "nimimerkki", mail.enquiry.reference):
            assert written not in words


@pytest.mark.parametrize("purpose", LIST)
def test_list_mails_have_greeting_and_signature(mails: dict[str, OutgoingMail], purpose: str) -> None:
    mail = mails[purpose]
    for words in (mail.text, mail.html):
        assert words.count("Hei,") == 1
        assert "Kati, Aijuu työnohjaus" in words
        assert "050 534 8567" in words
        assert "None" not in words


def test_all_but_the_removal_notice_have_the_link(mails: dict[str, OutgoingMail]) -> None:
    address = f"http://127.0.0.1:8000/jatka/{WAITING_LINK.placeholder}/odotuslista/"
    for purpose in LIST[:3]:
        assert address in mails[purpose].text
        assert f'href="{address}"' in mails[purpose].html
    last = mails[MailPurpose.REMOVAL_NOTICE]
    assert WAITING_LINK.placeholder not in last.text + last.html
    assert "http://127.0.0.1:8000/ota-yhteytta/" in last.text


def test_return_notice_states_question_and_deadline(
    mails: dict[str, OutgoingMail],
) -> None:
    notice, reminder = mails[MailPurpose.RETURN_NOTICE], mails[MailPurpose.RETURN_REMINDER]
    assert notice.subject == "Aijuussa on taas vapaita aikoja – oletko yhä kiinnostunut?"
    # The texts are true both after a pause and after being full.
    assert "Aijuussa on taas vapaita aikoja. Jätit yhteystietosi odotuslistalle" in notice.text
    assert "että Aijuussa on taas vapaita aikoja." in reminder.text
    assert "tauolta" not in notice.text + notice.html + reminder.text + reminder.html
    for words in (notice.text, notice.html):
        assert "Toivon vastaustasi 14\u00a0päivän kuluessa." in words
        assert "Tämä viesti ei vielä varaa aikaa" in words
    assert "Jos en kuule sinusta 14\u00a0päivän kuluessa, otan sinut pois listalta." in reminder.text


def test_preview_equals_queued_mail(mails: dict[str, OutgoingMail]) -> None:
    notice = mails[MailPurpose.RETURN_NOTICE]
    preview = return_notice_preview(_plan(), now=timezone.now())
    assert (preview.subject, preview.text, preview.html) == (notice.subject, notice.text, notice.html)


@pytest.mark.parametrize(
    ("begins_in", "named"), [(None, False), (1, True), (30, True), (0, False)], ids=["none", "tomorrow", "later", "now"]
)
def test_notice_names_an_announced_pause(contact_page: ContactPage, begins_in: int | None, named: bool) -> None:
    """Kati replies to a YES given just before a pause only after the pause."""
    now = timezone.now()
    begins_on = None if begins_in is None else timezone.localdate(now) + timedelta(days=begins_in)
    pause(active=begins_on is not None, begins_on=begins_on)
    mail = return_notice_preview(_plan(), now=now)
    for words in (mail.text, mail.html):
        assert ("ja silloin vastaus voi viipyä" in words) is named
        assert (begins_on is not None and finnish_day(begins_on) in words) is named
    pause(active=False)
    assert (return_notice_preview(_plan(), now=now).text == mail.text) is not named


def test_greeting_keeps_paragraphs_and_is_escaped(contact_page: ContactPage) -> None:
    greeting = 'Kevät on "täällä" & <b>valo</b>.\r\n\r\nToinen kappale.\nUusi rivi.'
    preview = return_notice_preview(_plan(greeting=greeting), now=timezone.now())
    text, html = preview.text, preview.html
    assert "Kevät on ”täällä” & <b>valo</b>." in text
    assert "<b>" not in html
    assert "Kevät on ”täällä” &amp; &lt;b&gt;valo&lt;/b&gt;.</p>" in html
    assert re.search(r"<p>Toinen kappale\.<br>\s*Uusi rivi\.</p>", html)
