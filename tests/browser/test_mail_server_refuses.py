"""A mail server that refuses mails: the visitor notices nothing; Kati sees it and can send the mails again."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.katis_desk import KatisDesk
from tests.browser.visitor import Letter, Visitor
from tests.browser.waits import next_document
from tests.tools.running_site import RunningSite
from tests.tools.smtp_server import Behaviour, SmtpServer


@pytest.fixture
def refusing(site: RunningSite) -> Iterator[SmtpServer]:
    assert site.smtp
    site.smtp.behaviour = Behaviour.REJECT
    yield site.smtp
    site.smtp.behaviour = Behaviour.ACCEPT


def test_refused_mails_are_shown_and_resent_once(refusing: SmtpServer, page: Page, desk: KatisDesk) -> None:
    letter = Letter()
    begun = refusing.attempts
    reference = Visitor(page).send_letter(letter)
    expect(page.get_by_role("main")).to_contain_text("Kati lukee viestisi itse")
    expect(page.get_by_role("alert")).to_have_count(0)
    refusing.wait_for_attempts(begun + 2)
    desk.search(letter.name)
    desk.reload_until("Ei lähetetty")
    expect(desk.cell(desk.rows, "Posti")).to_have_text("Ei lähetetty")
    expect(desk.cell(desk.rows, "Tila")).to_have_text("Uusi")

    desk.read(letter.name)
    desk.reload_until("Sähköpostipalvelin ei ottanut viestiä vastaan (koodi 550).", count=2)
    for purpose in ("Ilmoitus Katille", "Kuittaus lähettäjälle"):
        expect(desk.mail(purpose)).to_contain_text("ei lähetetty")
        expect(desk.mail(purpose)).to_contain_text("Sähköpostipalvelin ei ottanut viestiä vastaan (koodi 550).")

    refusing.behaviour = Behaviour.ACCEPT
    with next_document(desk.page):
        desk.mail("Kuittaus lähettäjälle").get_by_role("button", name="Lähetä nyt uudelleen").click()
    expect(desk.page.get_by_text("Viesti lähetetään uudelleen.")).to_be_visible()
    (mail,) = refusing.wait_for_about(reference, 1)
    assert mail["To"] == letter.address

    # Then the other mail.
    desk.reload_until("– lähetetty")
    expect(desk.mail("Kuittaus lähettäjälle")).to_contain_text(re.compile(r"– lähetetty \d"))
    expect(desk.mail("Kuittaus lähettäjälle").get_by_role("button")).to_have_count(0)
    with next_document(desk.page):
        desk.mail("Ilmoitus Katille").get_by_role("button", name="Lähetä nyt uudelleen").click()
    refusing.wait_for_about(reference, 2)
    desk.reload_until("Sähköpostipalvelin otti viestin vastaan.", count=2)
    expect(desk.mail("Ilmoitus Katille")).to_contain_text(re.compile(r"– lähetetty \d"))
    expect(desk.cell(desk.search(letter.name), "Posti")).to_have_text("Lähetetty")
    assert len(refusing.about(reference)) == 2
