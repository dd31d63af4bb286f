"""The main path through the site: from the front page to a closed enquiry."""

import re
from email.message import EmailMessage

from playwright.sync_api import Page, expect

from tests.browser.accessibility import assert_accessible, certain_violations
from tests.browser.conftest import DESK, NewPage
from tests.browser.katis_desk import KatisDesk
from tests.browser.people import SUPERVISOR, Account, sign_in
from tests.browser.visitor import CONTACT_PAGE, Letter, Visitor, stored
from tests.browser.waits import next_document
from tests.tools.running_site import RunningSite


def words_of(mail: EmailMessage) -> str:
    """Return the subject and the text of all parts of a mail."""
    parts = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    return "\n".join([str(mail["Subject"]), *parts])


def has_focus(page: Page, selector: str) -> bool:
    return bool(page.evaluate("selector => document.activeElement?.matches(selector)", selector))


def test_phone_enquiry_is_received_noted_and_closed(page: Page, new_page: NewPage, site: RunningSite) -> None:
    letter = Letter(
        organisation="Porin perhekeskus",
        phone="050 123 4567",
        message="Olemme viiden hengen tiimi.\n\nKiire syö yhteisen ajattelun, ja ”palaverit” venyvät.",
    )
    visitor = Visitor(page)

    # The visitor reads.
    page.goto("/")
    notice = page.get_by_role("complementary", name="Tiedote tauosta")
    expect(notice).to_be_in_viewport()
    expect(notice).to_contain_text("Aijuun palvelut ovat toistaiseksi tauolla.")
    top, first_heading = notice.bounding_box(), page.get_by_role("heading", level=1).bounding_box()
    assert top
    assert first_heading
    assert top["y"] < first_heading["y"]
    expect(page.locator(".hero").get_by_text("Ohjaajana Kati on turvallinen, napakka ja sitoutunut.")).to_have_count(1)
    visitor.follow_to_form(page.get_by_role("link", name="Ota yhteyttä").first)

    # The visitor sends an incomplete form, and the error summary lists what is missing.
    visitor.send()
    expect(visitor.summary).to_be_focused()
    expect(page).to_have_title(re.compile("^Virhe: "))
    expect(visitor.summary).to_contain_text("Lomakkeessa on vielä korjattavaa")
    links = visitor.summary.get_by_role("link")
    expect(links).to_have_text(
        [
            "Kirjoita nimesi.",
            "Kirjoita sähköpostiosoitteesi.",
            "Kirjoita viesti.",
        ]
    )
    for link in links.all():
        target = link.get_attribute("href")
        assert target
        link.click()
        expect(page.locator(target)).to_be_focused()
    expect(visitor.name).to_have_attribute("aria-invalid", "true")
    expect(visitor.name).to_have_accessible_description("Virhe: Kirjoita nimesi.")
    assert_accessible(page)

    # The visitor corrects the form, and the message is stored.
    visitor.write(letter)
    visitor.take_time()
    visitor.send()
    reference = visitor.wait_for_thanks()
    expect(page.get_by_role("main")).to_contain_text("Kati lukee viestisi itse")
    assert_accessible(page)
    assert page.context.cookies() == []

    # Visitor and Kati get their mails. Neither mail contains the visitor's text.
    assert site.smtp
    mails = {str(mail["To"]): mail for mail in site.smtp.wait_for_about(reference, 2)}
    assert set(mails) == {"kati.levola@aijuu.fi", letter.address}
    for mail in mails.values():
        for word in ("Maija", "perhekeskus", "Kiire", "viiden", "palaverit", "4567"):
            assert word not in words_of(mail)

    # Kati follows the link in the notice.
    address = re.search(r"http://\S+/admin/\S+", mails["kati.levola@aijuu.fi"].get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert address
    desk = KatisDesk(new_page(viewport=DESK))
    desk.page.goto(address.group())
    sign_in(desk.page, SUPERVISOR)
    expect(desk.page).to_have_url(address.group())
    expect(desk.letter).to_contain_text(letter.name)
    expect(desk.letter.locator("p", has_text="Kiire syö")).to_have_text(letter.message.split("\n\n")[1])
    expect(desk.fact("Sähköpostiosoite")).to_have_text(letter.address)
    expect(desk.fact("Puhelinnumero").get_by_role("link")).to_have_attribute("href", "tel:+358501234567")
    expect(desk.fact("Tapaamistapa")).to_have_text("Verkossa")
    desk.reload_until("– lähetetty", count=2)
    expect(desk.mail("Kuittaus lähettäjälle")).to_contain_text("– lähetetty")
    assert certain_violations(desk.page) == []

    # The enquiry is in the list.
    row = desk.search(letter.name)
    expect(row).to_have_count(1)
    expect(desk.cell(row, "Viitenumero")).to_have_text(reference)
    expect(desk.cell(row, "Tila")).to_have_text("Uusi")
    expect(desk.cell(row, "Posti")).to_have_text("Lähetetty")

    # Kati writes a note, changes the status, and closes the enquiry.
    desk.read(reference)
    desk.page.get_by_label("Muistiinpano").fill("Soitettu, tavataan 3.2. klo 9.")
    with next_document(desk.page):
        desk.page.get_by_role("button", name="Tallenna tila ja muistiinpano").click()
    expect(desk.page.get_by_text("Tila ja muistiinpano on tallennettu.")).to_be_visible()
    expect(desk.page.get_by_label("Muistiinpano")).to_have_value("Soitettu, tavataan 3.2. klo 9.")

    desk.move_to("Odottaa vastausta")
    expect(desk.page.get_by_text("Tila ja muistiinpano on tallennettu.")).to_be_visible()
    expect(desk.fact("Tila")).to_have_text("Odottaa vastausta")

    desk.move_to("Päättynyt")
    expect(desk.facts.get_by_text("Valitse, miten asia päättyi.")).to_be_visible()
    expect(desk.fact("Tila")).to_have_text("Odottaa vastausta")

    desk.move_to("Päättynyt", outcome="Sopimus tehty")
    expect(desk.fact("Tila")).to_have_text("Päättynyt: Sopimus tehty")
    expect(desk.fact("Poistuu automaattisesti")).to_have_text(re.compile(r"^\d+\.\d+\.\d{4}$"))
    expect(desk.page.get_by_role("region", name="Vaiheet")).to_contain_text("Päättynyt (Sopimus tehty) – Kati")
    expect(desk.cell(desk.search(reference), "Tila")).to_have_text("Päättynyt: Sopimus tehty")


def test_first_start_account_can_read_enquiries(page: Page, new_page: NewPage, site: RunningSite) -> None:
    letter = Letter()
    Visitor(page).send_letter(letter)
    office = new_page(viewport=DESK)
    office.goto("/admin/")
    sign_in(office, Account(site.admin_email, "", site.admin_password))
    expect(office).to_have_url(site.admin_url)
    desk = KatisDesk(office)
    desk.read(letter.name)
    expect(desk.letter).to_contain_text(letter.message)


def test_form_validates_and_sends_without_javascript(new_page: NewPage, site: RunningSite) -> None:
    letter = Letter()
    page = new_page(java_script_enabled=False)
    visitor = Visitor(page)
    page.goto("/")
    visitor.follow_to_form(page.get_by_role("link", name="Ota yhteyttä").first)
    visitor.email.fill("maija-ilman-merkkia")
    visitor.message.fill(letter.message)
    visitor.send()
    expect(visitor.summary).to_be_focused()
    expect(page).to_have_title(re.compile("^Virhe: "))
    expect(visitor.summary.get_by_role("link", name="Kirjoita nimesi.")).to_be_visible()
    expect(visitor.email).to_have_value("maija-ilman-merkkia")
    expect(visitor.email).to_have_accessible_description(re.compile("Tarkista sähköpostiosoite"))
    expect(visitor.message).to_have_value(letter.message)

    # The clicked link leaves a fragment in the URL, which must not keep the next page from focusing the summary.
    visitor.summary.get_by_role("link", name="Kirjoita nimesi.").click()
    page.keyboard.type(letter.name)
    with next_document(page):
        visitor.send()
    expect(visitor.summary).to_be_focused()
    expect(visitor.summary.get_by_role("link")).to_have_count(1)

    visitor.write(letter)
    visitor.take_time()
    visitor.send()
    reference = visitor.wait_for_thanks()
    assert site.smtp
    assert len(site.smtp.wait_for_about(reference, 2)) == 2
    assert stored(site, letter) == ["new accepted"]


def test_enquiry_can_be_sent_by_keyboard_alone(page: Page, site: RunningSite) -> None:
    letter = Letter()
    press = page.keyboard.press
    page.goto(CONTACT_PAGE)
    press("Tab")
    expect(page.locator(":focus")).to_have_text("Siirry sisältöön")
    press("Enter")
    expect(page.locator("main")).to_be_focused()

    def tab_to(selector: str) -> None:
        for _ in range(30):
            press("Tab")
            # The honeypot must not be reachable: a person would fill it in.
            assert not has_focus(page, "[name=extra_line]")
            if has_focus(page, selector):
                return
        raise AssertionError(f"{selector} is not reached with Tab.")

    tab_to("[name=name]")
    page.keyboard.type(letter.name)
    tab_to("[name=email]")
    page.keyboard.type(letter.address)
    tab_to("[name=message]")
    page.keyboard.type(letter.message)
    tab_to("[name=supervision_form]")
    expect(page.get_by_role("radio", name="En tiedä vielä")).to_be_focused()
    # ArrowDown on the last choice wraps to the first.
    press("ArrowDown")
    press("ArrowDown")
    expect(page.get_by_role("radio", name="Ryhmätyönohjaus")).to_be_checked()
    tab_to("[name=delivery_modes]")
    press("Space")
    tab_to("main form [type=submit]")
    press("Enter")
    Visitor(page).wait_for_thanks()
    read = f"from intake.models import Enquiry; print(Enquiry.objects.get(name={letter.name!r}).supervision_form)"
    assert site.run(read).strip() == "group"
