"""The link to a mapping without a message is mailed once automatically, again on request, and not to strangers."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.db import OperationalError
from django.utils import timezone

from intake.mail.delivery import deliver_due
from intake.mail.models import WAITS
from intake.mail.queue import fill_in_links
from intake.mapping.links import remove_unfinished
from intake.mapping.mails import MAIL_INTERVAL, MAIL_LIFETIME, MOST_MAILS
from intake.mapping.models import expiry
from intake.models import AutomaticReplyTrace, Enquiry, InitialMapping, MappingLink, OutgoingMail
from tests.intake.mapping.answering import ANSWERS, BEGIN, Answerer, contact_facts
from tests.intake.mapping.mailed_links import secrets_in_mails
from tests.intake.visiting import ShownForm, Visitor, letter, page_text
from tests.tools.smtp_server import Behaviour, SmtpServer

START = datetime(2026, 11, 26, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
ADDRESS = "maija.meikalainen@esimerkki.fi"
SEND = "Lähetä linkki sähköpostiini"
ON_ITS_WAY = f"Linkki on lähdössä osoitteeseen {ADDRESS}"
CANNOT = f"Linkkiä ei voi nyt lähettää osoitteeseen {ADDRESS}"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as one:
        yield one


def begins(answerer: Answerer, clock: Any, **changes: str | list[str]) -> None:
    """Fill in the first step as slowly as a person, and send it."""
    form = ShownForm.of(answerer.client.get(BEGIN))
    clock.shift(timedelta(minutes=1))
    answer = answerer.posts(BEGIN, {**form.values, **contact_facts(**changes)})
    assert answer.status_code == 303
    answerer.follows(answer)


def corrects(answerer: Answerer, clock: Any, email: str) -> Any:
    clock.shift(timedelta(minutes=1))
    answer = answerer.posts(answerer.address("yhteystiedot"), contact_facts(email=email))
    assert answer.status_code == 303
    return answer


def queued_recipients() -> list[str]:
    """Return the recipients of the queued link mails."""
    return list(OutgoingMail.objects.filter(purpose="mapping_resume").values_list("recipient", flat=True))


def button(page: Any) -> str:
    """Return the text of the button that mails the link; "" if there is none."""
    found = BeautifulSoup(page.content.decode(), "html.parser").select_one("button[name=later]")
    return found.get_text(strip=True) if found else ""


def mailed_to(answerer: Answerer, smtp: SmtpServer) -> Answerer:
    """Deliver the queued mails, and open the newest mailed link on another device."""
    before = secrets_in_mails(smtp)
    deliver_due()
    (secret,) = secrets_in_mails(smtp) - before
    assert secret != answerer.secret
    return Answerer(secret=secret)


def delivers_until_withdrawn(clock: Any) -> None:
    """Try to deliver the mail at each retry, until it is given up."""
    for wait in WAITS:
        deliver_due()
        clock.shift(wait)
        if not OutgoingMail.objects.exists():
            break
    assert queued_recipients() == []


def test_stored_address_gets_the_link_once(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    begins(answerer, clock)
    assert queued_recipients() == [ADDRESS]
    assert ON_ITS_WAY in page_text(answerer.opens("vaihe/1"))
    answerer.answers_all()
    phone = mailed_to(answerer, smtp)
    assert smtp.recipients == [ADDRESS]
    assert f"Linkki lähetettiin osoitteeseen {ADDRESS} 26.11.2026 klo 10.01" in page_text(answerer.opens("vaihe/1"))
    assert "Lisää tilaa ajatella." in phone.opens("vaihe/2").content.decode()
    corrects(answerer, clock, "Maija.Meikalainen@esimerkki.fi")
    deliver_due()
    assert len(smtp.messages) == 1


def test_mailed_link_sends_the_mapping(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    begins(answerer, clock)
    phone = mailed_to(answerer, smtp)
    phone.answers_all()
    assert phone.sends().status_code == 303
    assert Enquiry.objects.get().email == ADDRESS
    rows = page_text(phone.opens("kopio"))
    assert "Maija Meikäläinen" in rows
    assert "Lisää tilaa ajatella." in rows


def test_link_mail_quotes_no_typed_text(answerer: Answerer, clock: Any) -> None:
    begins(answerer, clock, name="Salamaija", organisation="Salayhtiö")
    mail = OutgoingMail.objects.get(purpose="mapping_resume")
    for word in ("Salamaija", "Salayhtiö", ADDRESS, answerer.secret):
        assert word not in mail.text + mail.html + mail.subject
    fill_in_links(mail, timezone.now())
    assert "26.12.2026" in mail.text
    assert mail.reply_to == "kati.levola@aijuu.fi"


def test_delivered_link_mail_is_not_kept(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    begins(answerer, clock)
    deliver_due()
    assert len(smtp.messages) == 1
    assert not OutgoingMail.objects.exists()


def test_sent_mapping_gets_no_link_mail(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    begins(answerer, clock)
    answerer.answers_all()
    answerer.sends()
    assert queued_recipients() == []
    deliver_due()
    assert not any("Jatka alkukartoitusta" in str(message["Subject"]) for message in smtp.messages)


def test_corrected_address_gets_link_replacing_the_first(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    begins(answerer, clock, email="maja@esimerkki.fi")
    stranger = mailed_to(answerer, smtp)
    assert stranger.opens("vaihe/1").status_code == 200
    corrects(answerer, clock, ADDRESS)
    assert stranger.opens("vaihe/1").status_code == 404
    assert queued_recipients() == [ADDRESS]
    assert mailed_to(answerer, smtp).opens("vaihe/1").status_code == 200
    assert answerer.opens("vaihe/1").status_code == 200


def mailed_to_mistyped_address(answerer: Answerer, smtp: SmtpServer, clock: Any) -> Answerer:
    """Mail the link to a mistyped address and request it again; return the stranger who got it."""
    begins(answerer, clock, email="maja@esimerkki.fi")
    stranger = mailed_to(answerer, smtp)
    clock.shift(MAIL_INTERVAL)
    answerer.posts(answerer.address("myohemmin"), {"later": "mail"})
    return stranger


def test_address_correction_revokes_link_despite_undeliverable_mail(
    answerer: Answerer, smtp: SmtpServer, clock: Any
) -> None:
    stranger = mailed_to_mistyped_address(answerer, smtp, clock)
    assert queued_recipients() == ["maja@esimerkki.fi"]
    smtp.behaviour = Behaviour.REJECT
    delivers_until_withdrawn(clock)
    smtp.behaviour = Behaviour.ACCEPT
    assert stranger.opens("vaihe/1").status_code == 200
    corrects(answerer, clock, ADDRESS)
    assert stranger.opens("vaihe/1").status_code == 404
    assert mailed_to(answerer, smtp).opens("vaihe/1").status_code == 200


def test_address_correction_revokes_link_despite_withdrawn_mail(
    answerer: Answerer, smtp: SmtpServer, clock: Any
) -> None:
    stranger = mailed_to_mistyped_address(answerer, smtp, clock)
    answerer.sends_step(1, ANSWERS[0])
    answerer.sends_step(2, {**ANSWERS[1], "q_muutos": "<a href=x>casino</a> https://a.example https://b.example"})
    deliver_due()
    assert queued_recipients() == []
    # The answers still count as suspicious, so no link is mailed to the correct address either.
    corrects(answerer, clock, ADDRESS)
    assert queued_recipients() == []
    answerer.answers_all()
    answerer.sends()
    assert stranger.opens("kopio").status_code == 410


def test_address_correction_revokes_link_of_unconfirmed_delivery(
    answerer: Answerer, smtp: SmtpServer, clock: Any
) -> None:
    begins(answerer, clock, email="maja@esimerkki.fi")
    smtp.behaviour = Behaviour.VANISH
    delivers_until_withdrawn(clock)
    smtp.behaviour = Behaviour.ACCEPT
    strangers = [Answerer(secret=secret) for secret in secrets_in_mails(smtp)]
    assert [stranger.opens("vaihe/1").status_code for stranger in strangers] == [200] * len(strangers)
    assert strangers
    corrects(answerer, clock, ADDRESS)
    assert {stranger.opens("vaihe/1").status_code for stranger in strangers} == {404}


def test_same_mailbox_keeps_its_links(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    begins(answerer, clock)
    phone = mailed_to(answerer, smtp)
    corrects(answerer, clock, "Maija.Meikalainen@esimerkki.fi")
    assert phone.opens("vaihe/1").status_code == 200


def test_address_corrected_before_delivery_gets_only_mail(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    begins(answerer, clock, email="maja@esimerkki.fi")
    corrects(answerer, clock, ADDRESS)
    deliver_due()
    assert smtp.recipients == [ADDRESS]


def test_address_changed_by_mailed_link_keeps_that_link(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    begins(answerer, clock)
    phone = mailed_to(answerer, smtp)
    corrects(phone, clock, "maija@toinen.fi")
    assert phone.opens("vaihe/1").status_code == 200
    assert queued_recipients() == ["maija@toinen.fi"]


def test_draft_mails_a_limited_number_of_addresses(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    begins(answerer, clock, email="nolla@esimerkki.fi")
    for name in ("yksi", "kaksi", "kolme", "nelja"):
        deliver_due()
        corrects(answerer, clock, f"{name}@esimerkki.fi")
    deliver_due()
    assert len(smtp.recipients) == MOST_MAILS
    page = answerer.opens("vaihe/1")
    assert "Linkkiä ei voi nyt lähettää osoitteeseen nelja@esimerkki.fi" in page_text(page)
    assert button(page) == ""


def test_mailbox_gets_two_draft_links_a_day(mapping_page: Any, smtp: SmtpServer, clock: Any) -> None:
    for number in range(3):
        answerer = Answerer(network_address=f"198.51.100.{number}")
        begins(answerer, clock, email=f"maija+{number}@esimerkki.fi")
        deliver_due()
    assert len(smtp.messages) == 2
    assert InitialMapping.objects.count() == 3
    assert AutomaticReplyTrace.objects.filter(purpose="mapping_resume").count() == 2
    assert "Linkkiä ei voi nyt lähettää" in page_text(answerer.opens("vaihe/1"))
    clock.shift(timedelta(days=1))
    assert button(answerer.opens("myohemmin")) == SEND


def test_suspicious_start_mails_nothing(answerer: Answerer, clock: Any) -> None:
    begins(answerer, clock, extra_line="x")
    assert queued_recipients() == []
    page = answerer.opens("myohemmin")
    assert CANNOT in page_text(page)
    assert button(page) == ""
    answerer.posts(answerer.address("myohemmin"), {"later": "mail"})
    assert queued_recipients() == []


def test_start_sent_too_fast_mails_nothing(answerer: Answerer, clock: Any) -> None:
    form = ShownForm.of(answerer.client.get(BEGIN))
    answerer.follows(answerer.posts(BEGIN, {**form.values, **contact_facts()}))
    assert queued_recipients() == []


def test_suspicious_answers_stop_link_mails(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    """The answers are checked like the first step, both before a mail is queued and before it is sent."""
    begins(answerer, clock)
    answerer.sends_step(1, ANSWERS[0])
    assert queued_recipients() == [ADDRESS]
    answerer.sends_step(2, {**ANSWERS[1], "q_muutos": "<a href=x>casino</a> https://a.example https://b.example"})
    deliver_due()
    assert (queued_recipients(), smtp.messages) == ([], [])
    clock.shift(MAIL_INTERVAL)
    page = answerer.opens("myohemmin")
    assert button(page) == ""
    assert CANNOT in page_text(page)
    answerer.posts(answerer.address("myohemmin"), {"later": "mail"})
    assert corrects(answerer, clock, "toinen@esimerkki.fi")["Location"] == answerer.address("vaihe/1")
    assert queued_recipients() == []


def test_button_mails_the_link_again_after_an_hour(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    begins(answerer, clock)
    deliver_due()
    assert button(answerer.opens("vaihe/1")) == ""
    answerer.posts(answerer.address("myohemmin"), {"later": "mail"})
    assert queued_recipients() == []
    clock.shift(MAIL_INTERVAL)
    assert button(answerer.opens("vaihe/1")) == f"{SEND} uudelleen"
    answer = answerer.posts(answerer.address("myohemmin"), {"later": "mail"})
    assert (answer.status_code, answer["Location"]) == (303, answerer.address("myohemmin"))
    assert ON_ITS_WAY in page_text(answerer.opens("myohemmin"))
    answerer.posts(answerer.address("myohemmin"), {"later": "mail"})
    assert queued_recipients() == [ADDRESS]
    assert mailed_to(answerer, smtp).opens("vaihe/1").status_code == 200
    clock.shift(MAIL_INTERVAL)
    page = answerer.opens("myohemmin")
    # This mailbox has had its two mails of the day.
    assert button(page) == ""
    assert "Linkki lähetettiin osoitteeseen" in page_text(page)


def test_later_button_stores_the_step_first(answerer: Answerer, clock: Any) -> None:
    begins(answerer, clock)
    answerer.sends_step(1, ANSWERS[0])
    words = {**ANSWERS[1], "q_muutos": ""}
    answer = answerer.sends_step(2, {**words, "later": "mail"})
    assert (answer.status_code, answer["Location"]) == (303, answerer.address("myohemmin"))
    stored = InitialMapping.objects.get().answers
    assert stored["muu"] == "Työnjako"
    assert "muutos" not in stored
    page = answerer.opens("myohemmin")
    soup = BeautifulSoup(page.content.decode(), "html.parser")
    shown = soup.select_one(".later__address")
    assert shown is not None
    assert shown.get_text(strip=True) == f"http://testserver{answerer.address()}"
    assert "Viimeinen päivä on 26.12.2026." in page_text(page)
    onwards = soup.find("a", string="Jatka vastaamista nyt")
    assert onwards is not None
    assert onwards["href"] == answerer.address("vaihe/2")


def test_later_button_keeps_invalid_text(answerer: Answerer, clock: Any) -> None:
    begins(answerer, clock)
    answer = answerer.sends_step(1, {**ANSWERS[0], "q_koko": "monta", "later": "mail"})
    assert answer.status_code == 422
    assert ShownForm.of(answer).values["q_koko"] == "monta"


def test_later_on_contact_facts_mails_the_new_address(answerer: Answerer, clock: Any) -> None:
    begins(answerer, clock)
    clock.shift(timedelta(minutes=1))
    words = {**contact_facts(email="maija@toinen.fi"), "later": "mail"}
    answer = answerer.posts(answerer.address("yhteystiedot"), words)
    assert answer["Location"] == answerer.address("myohemmin")
    assert queued_recipients() == ["maija@toinen.fi"]


def test_failed_storing_of_link_mail_is_reported(
    answerer: Answerer, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise OperationalError("DETAIL: Salasanat")

    begins(answerer, clock)
    OutgoingMail.objects.all().delete()
    clock.shift(MAIL_INTERVAL)
    with monkeypatch.context() as broken:
        broken.setattr(OutgoingMail, "save_base", fail)
        answer = answerer.posts(answerer.address("myohemmin"), {"later": "mail"})
    assert answer.status_code == 503
    assert "Linkkiä ei voitu lähettää" in ShownForm.of(answer).notice
    assert AutomaticReplyTrace.objects.count() == 1


def test_undeliverable_link_is_given_up_and_offered_again(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    begins(answerer, clock)
    smtp.behaviour = Behaviour.REJECT
    delivers_until_withdrawn(clock)
    assert timezone.now() - START > MAIL_LIFETIME
    page = answerer.opens("myohemmin")
    assert "Linkki lähetettiin" not in page_text(page)
    assert button(page) == SEND


def test_mailed_link_expires_with_the_mapping(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    begins(answerer, clock)
    phone = mailed_to(answerer, smtp)
    clock.move_to(expiry(timezone.now()))
    assert phone.opens("vaihe/1").status_code == 404
    remove_unfinished(now=timezone.now())
    assert not InitialMapping.objects.exists()
    assert not MappingLink.objects.exists()


def test_link_to_expired_draft_is_not_mailed(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    begins(answerer, clock)
    deliver_due()
    clock.move_to(expiry(timezone.now()) - timedelta(hours=1))
    answerer.posts(answerer.address("myohemmin"), {"later": "mail"})
    assert queued_recipients() == [ADDRESS]
    # The draft is removed within a day of its end; meanwhile the link would open nothing.
    clock.shift(timedelta(hours=2))
    before = secrets_in_mails(smtp)
    deliver_due()
    assert secrets_in_mails(smtp) == before
    assert queued_recipients() == []


def test_removed_draft_leaves_no_mail(answerer: Answerer, clock: Any) -> None:
    begins(answerer, clock)
    clock.move_to(expiry(timezone.now()))
    remove_unfinished(now=timezone.now())
    assert not OutgoingMail.objects.exists()


def test_mapping_after_a_message_offers_no_mail(visitor: Visitor, answerer: Answerer) -> None:
    """Its confirmation has a link already, and another mail could go to a mistyped address."""
    thanks = visitor.sends(letter(delivery_modes=["online"]))["Location"]
    answerer.follows(visitor.client.post(thanks))
    page = answerer.opens("myohemmin")
    assert page.status_code == 200
    assert button(page) == ""
    answerer.posts(answerer.address("myohemmin"), {"later": "mail"})
    assert queued_recipients() == []


def test_later_page_of_sent_mapping_redirects_to_thanks(answerer: Answerer) -> None:
    answerer.sends_all()
    answer = answerer.opens("myohemmin")
    assert (answer.status_code, answer["Location"]) == (303, answerer.address("perilla"))


def test_unchanged_address_revokes_no_link(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    begins(answerer, clock)
    phone = mailed_to(answerer, smtp)
    corrects(phone, clock, "maija@toinen.fi")
    assert phone.opens("vaihe/1").status_code == 200
    # The first device saves the contact facts again, with the address that they show now.
    form = ShownForm.of(answerer.opens("yhteystiedot"))
    answer = answerer.posts(answerer.address("yhteystiedot"), form.values)
    assert answer.status_code == 303
    assert phone.opens("vaihe/1").status_code == 200


def test_resent_first_step_revokes_no_link(answerer: Answerer, smtp: SmtpServer, clock: Any) -> None:
    form = ShownForm.of(answerer.client.get(BEGIN))
    clock.shift(timedelta(minutes=1))
    answer = answerer.posts(BEGIN, {**form.values, **contact_facts()})
    answerer.follows(answer)
    phone = mailed_to(answerer, smtp)
    corrects(phone, clock, "maija@toinen.fi")
    assert answerer.posts(BEGIN, {**form.values, **contact_facts()}).status_code == 303
    assert InitialMapping.objects.get().facts["email"] == "maija@toinen.fi"
    assert phone.opens("vaihe/1").status_code == 200
