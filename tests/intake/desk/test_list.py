"""The list of enquiries: its rows, search and filters, and that no query string breaks it."""

import html
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import example, given
from hypothesis import strategies as st

from aijuu_site.accounts.models import User
from intake.choices import MailState, Status, Verdict
from intake.enquiry.search import search, signature
from intake.enquiry.services import change_status
from intake.models import Enquiry
from tests.examples import examples
from tests.intake.desk.pages import LIST, failed_once, listed, names, rows, suspicious
from tests.intake.enquiries import closed, received


def test_list_row_shows_all_columns(kati: Client, enquiry: Enquiry) -> None:
    received_at = timezone.localtime(enquiry.received_at)
    assert rows(kati.get(LIST)) == [
        {
            "Nimi": "Pirkko Salaisuus",
            "Viitenumero": enquiry.reference,
            "Tila": "Uusi",
            "Työnohjauksen muoto": "Ryhmätyönohjaus",
            "Tyyppi": "Viesti",
            "Saapunut": f"{received_at:%-d.%-m.%Y} klo {received_at:%-H.%M}",
            "Ikä": "tänään",
            "Posti": "Odottaa lähetystä",
        }
    ]


def test_received_time_is_in_finnish_time_zone(kati: Client) -> None:
    moments = {
        datetime(2026, 3, 29, 1, 5, tzinfo=UTC): "29.3.2026 klo 4.05",
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC): "25.10.2026 klo 3.30",  # the last hour of summer time
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC): "25.10.2026 klo 3.30",  # the same hour by the clock again
        datetime(2026, 12, 31, 22, 0, tzinfo=UTC): "1.1.2027 klo 0.00",
    }
    for moment in moments:
        received(now=moment)
    assert [row["Saapunut"] for row in rows(kati.get(LIST))] == list(moments.values())[::-1]


def test_age_counts_midnights_in_pori_not_full_days(kati: Client) -> None:
    # Received at 21.40 in Pori. At 0.10 in Pori it is a day old, although in UTC it is still the same day.
    received(now=datetime(2026, 11, 21, 19, 40, tzinfo=UTC))
    ages = {
        datetime(2026, 11, 21, 21, 59, tzinfo=UTC): "tänään",
        datetime(2026, 11, 21, 22, 10, tzinfo=UTC): "1 päivä",
        datetime(2027, 1, 1, 12, 0, tzinfo=UTC): "41 päivää",
    }
    for now, age in ages.items():
        with time_machine.travel(now, tick=False):
            # Her session lasts twelve hours, so she logs in again.
            kati.force_login(User.objects.get(email="kati@example.fi"))
            assert rows(kati.get(LIST))[0]["Ikä"].replace("\xa0", " ") == age


def test_failed_mail_is_flagged_until_sent(kati: Client, enquiry: Enquiry) -> None:
    confirmation, notification = enquiry.mails.get(purpose="confirmation"), enquiry.mails.get(purpose="notification")
    confirmation.state = MailState.SENT
    confirmation.save()
    failed_once(notification, at=timezone.now())
    page = kati.get(LIST)
    assert rows(page)[0]["Posti"] == "Ei lähetetty"
    assert "field-mail title enquiry-alert" in page.content.decode()
    enquiry.mails.update(state=MailState.SENT)
    assert rows(kati.get(LIST))[0]["Posti"] == "Lähetetty"


def test_failed_mail_is_flagged_after_last_retry(kati: Client, enquiry: Enquiry) -> None:
    enquiry.mails.update(state=MailState.FAILED)
    assert rows(kati.get(LIST))[0]["Posti"] == "Ei lähetetty"


def test_suspicious_label_shown_until_closed(kati: Client) -> None:
    enquiry = suspicious()
    assert rows(kati.get(LIST))[0]["Tila"] == "Uusi – epäilyttävä"
    change_status(enquiry_id=enquiry.pk, version=1, status=Status.CLOSED, outcome="spam", by=None, now=timezone.now())
    page = kati.get(LIST)
    assert rows(page)[0]["Tila"] == "Päättynyt: Roskaposti"
    assert "field-status_words title enquiry-alert" not in page.content.decode()


def test_list_is_newest_first_and_sortable(kati: Client) -> None:
    now = timezone.now()
    for name, days in (("Ville", 3), ("Anna", 1), ("Kalle", 2)):
        received(name=name, now=now - timedelta(days=days))
    assert names(kati.get(LIST)) == ["Anna", "Kalle", "Ville"]
    assert names(kati.get(LIST, {"o": "0"})) == ["Anna", "Kalle", "Ville"]
    assert names(kati.get(LIST, {"o": "-0"})) == ["Ville", "Kalle", "Anna"]
    assert names(kati.get(LIST, {"o": "5"})) == ["Ville", "Kalle", "Anna"]


def test_more_rows_need_no_more_queries(kati: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert kati.get(LIST).status_code == 200
        return len(captured)

    received()
    kati.get(LIST)
    of_one = queries()
    for _number in range(9):
        received()
    assert len(rows(kati.get(LIST))) == 10
    assert queries() == of_one


def test_filters_show_matching_enquiries(kati: Client) -> None:
    received(name="Uusi", supervision_form="individual")
    closed(name="Vanha", at=timezone.now())
    suspicious(name="Outo")
    assert names(kati.get(LIST, {"status__exact": "closed"})) == ["Vanha"]
    assert names(kati.get(LIST, {"supervision_form__exact": "individual"})) == ["Uusi"]
    assert names(kati.get(LIST, {"verdict__exact": Verdict.QUARANTINED})) == ["Outo"]
    assert sorted(names(kati.get(LIST, {"verdict__exact": "accepted", "kind__exact": "contact"}))) == ["Uusi", "Vanha"]
    assert names(kati.get(LIST, {"status__exact": "hullu"})) == []


def test_filter_headings_are_field_labels(kati: Client, enquiry: Enquiry) -> None:
    page = kati.get(LIST).content.decode()
    for heading in ("Tila", "Työnohjauksen muoto", "Tyyppi", "Arvio"):
        assert f"<summary>{heading}</summary>" in page
    assert "Tekijä" not in page


@pytest.fixture
def three(db: None) -> dict[str, Enquiry]:
    return {
        "Åke": received(name="Åke Öhman-ÄIJÄ", email="ake@esimerkki.fi", organisation="Pyry ry"),
        "100": received(name="Sata Prosenttia", email="sata_prosenttia@esimerkki.fi", organisation="100 % Oy"),
        "muu": received(name="Muu Henkilö", email="sataXprosenttia@esimerkki.fi", organisation="100 Oy"),
    }


def found(term: str) -> list[str]:
    return [enquiry.name for enquiry in search(Enquiry.objects.all(), term)]


def test_search_matches_name_organisation_and_email(three: dict[str, Enquiry]) -> None:
    wanted = {
        "åke": ["Åke Öhman-ÄIJÄ"],
        "ÖHMAN": ["Åke Öhman-ÄIJÄ"],
        "äijä": ["Åke Öhman-ÄIJÄ"],
        "öhman åke": ["Åke Öhman-ÄIJÄ"],
        "Pyry ry": ["Åke Öhman-ÄIJÄ"],  # six signs that a reference could have
        "AKE@ESIMERKKI.FI": ["Åke Öhman-ÄIJÄ"],
        "100 %": ["Sata Prosenttia"],
        "sata_p": ["Sata Prosenttia"],
        "%": ["Sata Prosenttia"],
        "_": ["Sata Prosenttia"],
        "\\": [],
        "'": [],
        "työryhmämme kaipaa": [],  # the message is not searched
        # Formats in which mail programs and lists write a person.
        **{
            term: ["Åke Öhman-ÄIJÄ"]
            for term in (
                "Åke Öhman-Äijä <ake@esimerkki.fi>",
                '"Öhman-Äijä, Åke" <ake@esimerkki.fi>',
                "<ake@esimerkki.fi>",
                "ake@esimerkki.fi;",
                "mailto:ake@esimerkki.fi",
                "”Åke Öhman”",
                "Åke Öhman.",
                "Åke (Pyry ry)",
                "[mailto:ake@esimerkki.fi]",
                "Öhman: Åke?",
                "'Åke Öhman'",
            )
        },
        "100 % Oy <sata_prosenttia@esimerkki.fi>,": ["Sata Prosenttia"],
    }
    assert {term: found(term) for term in wanted} == wanted


def test_list_is_searched_by_composed_letters(kati: Client, three: dict[str, Enquiry]) -> None:
    assert names(kati.get(LIST, {"q": "a\u0308ija\u0308"})) == ["Åke Öhman-ÄIJÄ"]
    assert names(kati.get(LIST, {"q": "sata_p"})) == ["Sata Prosenttia"]


def give_reference(enquiry: Enquiry, reference: str) -> None:
    """Change the reference, as if the enquiry had been received with it."""
    text = enquiry.search_text.replace(enquiry.reference.casefold(), reference.casefold())
    bits = signature([text, enquiry.phone])
    Enquiry.objects.filter(pk=enquiry.pk).update(reference=reference, search_text=text, **bits)


REFERENCES = [
    "K7P-4XC", "k7p4xc", "k7p 4xc", "K7P–4XC", " k7p-4xc ", "K7P",
    # Pasted subjects of mails.
    "Viestisi on perillä (viite K7P-4XC)", "Re: Uusi yhteydenotto K7P-4XC", "VS: Re: viite k7p-4xc", "viite:K7P4XC",
    "re: uusi yhteydenotto k7p 4xc", "”Uusi yhteydenotto K7P–4XC”", "K7P\u20114XC.",
    "Uusi yhteydenotto K7P\u2060-4XC",
    "#k7p4xc", "[K7P-4XC] vastaus", "k7p_4xc", "Lainaus\tK7P-4XC\tloppu",
]  # fmt: skip
NO_REFERENCES = ["xk7p-4xc", "k7p-4xcx", "Uusi yhteydenotto K7P-4X", "éK7P-4XC"]


def test_search_finds_reference_in_any_format(three: dict[str, Enquiry]) -> None:
    give_reference(three["muu"], "K7P-4XC")
    assert [term for term in REFERENCES if found(term) != ["Muu Henkilö"]] == []
    assert [term for term in NO_REFERENCES if found(term) != []] == []


PHONE_NUMBERS = [
    "050 534 8567", "0505348567", "+358505348567", "050-534 8567", "050-5348567", "534-8567", "8567", "050 534",
    "+358 50 534 8567", "+358 (0)50 534 8567", "00358 50 5348567", "358505348567", "(050) 534 8567", "050.534.8567",
    "050\xa0534\xa08567", "puh. 050 534 8567", "tel:+358505348567", "050–534–8567", "050/5348567", " 348 ",
]  # fmt: skip


def test_search_finds_a_phone_number_however_written(three: dict[str, Enquiry]) -> None:
    received(name="Soita Minulle", phone="+358505348567")
    assert [term for term in PHONE_NUMBERS if found(term) != ["Soita Minulle"]] == []


def test_search_finds_a_number_from_abroad(three: dict[str, Enquiry]) -> None:
    received(name="Sven", phone="+46701234599")
    for term in ("+46 70 123 45 99", "070-123 45 99", "0046701234599", "+46 (0)70-123 45 99"):
        assert found(term) == ["Sven"], term


def test_other_numbers_find_nobody_by_phone(db: None) -> None:
    enquiry = received(name="Soita Minulle", email="soita@esimerkki.fi", phone="+358505348567")
    Enquiry.objects.filter(pk=enquiry.pk).update(search_text="soita minulle soita@esimerkki.fi")
    for term in (
        "050 534 8568",
        "0",
        "00",
        "050",
        "6 0 6",
        "+",
        "100 % 050 999",
        "00000000",
        "maija.e8567",
        "8567f",
        "8567@posti.fi",
    ):
        assert found(term) == [], term


def test_menu_part_is_named_in_closed_filters(kati: Client, enquiry: Enquiry) -> None:
    page = kati.get(LIST, {"part": "new"}).content.decode()
    assert '<details class="changelist-filter enquiry-filters">' in page
    assert "Suodata luetteloa: Uudet</summary>" in page


def test_search_within_part_links_to_full_search(kati: Client) -> None:
    closed(name="Pia & Päättynyt", at=timezone.now())
    answer = kati.get(LIST, {"part": "new", "q": "Pia & Päättynyt"})
    assert names(answer) == []
    page = answer.content.decode()
    assert "Haku koski vain osaa luettelosta: Uudet." in page
    link = re.search(r'<a href="([^"]+)">Hae kaikista yhteydenotoista</a>', page)
    assert link
    everything = kati.get(html.unescape(link[1]))
    assert names(everything) == ["Pia & Päättynyt"]
    for whole in (everything, kati.get(LIST, {"part": "new"})):
        assert "Haku koski" not in whole.content.decode()


def test_only_active_filters_are_open(kati: Client, enquiry: Enquiry) -> None:
    page = kati.get(LIST).content.decode()
    assert page.count('<details class="enquiry-filter">') == 8
    assert not re.findall(r'<details class="(?:changelist|enquiry)-filter[^>]* open', page)
    page = kati.get(LIST, {"status__exact": "new", "area": "satakunta"}).content.decode()
    assert '<details class="changelist-filter enquiry-filters" open>' in page
    opened = re.findall(r'<details class="enquiry-filter" open>\s*<summary>(.*?)</summary>', page)
    assert opened == ["Tila", "Alue"]
    assert "Suodata luetteloa: Uusi, Satakunta</summary>" in page


def test_long_name_is_complete_in_title(kati: Client) -> None:
    received(name='"><b>' + "X" * 90)
    assert f'title="&quot;&gt;&lt;b&gt;{"X" * 90}"' in kati.get(LIST).content.decode()


def test_search_and_filter_are_combined(kati: Client, three: dict[str, Enquiry]) -> None:
    assert names(kati.get(LIST, {"q": "sata", "status__exact": "closed"})) == []
    assert names(kati.get(LIST, {"q": three["muu"].reference, "status__exact": "closed"})) == []


NOT_OFFERED = [
    "message__contains", "message__icontains", "email__startswith", "email", "note__regex", "name__exact",
    "status__in", "status__contains", "steps__changed_by__password__startswith", "password", "id__gt",
    "receipt", "search_text__contains", "mails__recipient__contains", "status__exact__in", "no_such_field", "pk",
    "_facets", "e", "page", "", "status__exact ",
]  # fmt: skip


@pytest.mark.every_case
def test_unknown_filter_filters_nothing(kati: Client, enquiry: Enquiry) -> None:
    # All at once: if one of them filtered or failed in the database, the list would not be whole.
    for value in ("zzzzzz", "0", "", "Kukaan"):
        response = kati.get(LIST, dict.fromkeys(NOT_OFFERED, value))
        assert response.status_code == 200, value
        assert names(response) == ["Pirkko Salaisuus"], value


PAGES = ["-1", "0", "99999999999", "99", "x", "1.5", "%D9%A3", ""]
ORDERS = ["--1.99.x", "99", "-", "", "0." * 3000, "9" + "9" * 6000, "-0", "5"]
HOSTILE = [
    "ot=desc", "ot=x", "q=" + "a%20" * 4000, "q=" + "%25" * 60000,
    "q=%25", "q=%27%22", "q=%F0%9F%98%80", "q=%ED%A0%80", "q=%FF%FE", "status__exact=%27", "status__exact=",
    "status__exact=new&status__exact=closed", "status__exact=" + "x" * 60000, "export=", "export=json",
    "export=../../x", "%F0%9F%98%80=1", "p[]=1", "&&&=;=",
]  # fmt: skip


@pytest.mark.every_case
def test_hostile_query_string_returns_the_list(kati: Client, enquiry: Enquiry) -> None:
    for page, order in zip(PAGES, ORDERS, strict=True):
        assert names(kati.get(f"{LIST}?p={page}&o={order}")) == ["Pirkko Salaisuus"], (page, order[:20])
    for query in HOSTILE[2:4]:
        assert kati.get(f"{LIST}?{query}").status_code == 200, query[:80]
    for query in HOSTILE:
        listed(User.objects.get(), query)


def test_null_character_in_query_is_refused(kati: Client) -> None:
    for query in ("q=%00", "status__exact=%00", "%00=1", "p=1%00"):
        assert kati.get(f"{LIST}?{query}").status_code == 400, query


PARAMETERS = st.sampled_from(["q", "p", "o", "ot", "export_", "status__exact", "kind__exact", "verdict__exact",
                              "supervision_form__exact", *NOT_OFFERED])  # fmt: skip
VALUES = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["new", "closed", "quarantined", "contact", "-1", "0.1", "--2.-7", "%", "_", "'\"", "\u202e", "١"]
)


@examples(8, derandomize=True)
@given(st.lists(st.tuples(PARAMETERS | st.text("abc_%[]\U0001f600", max_size=8), VALUES), max_size=5))
@example([("o", "0.0.0.0.0.0.0.0.0.0")])
@example([("p", "1"), ("p", "x")])
def test_any_query_string_returns_the_list(kati: Client, enquiry: Enquiry, parameters: list[tuple[str, str]]) -> None:
    response = kati.get(f"{LIST}?{urlencode(parameters)}")
    assert response.status_code == 200
    offered = ("q", "status__exact", "kind__exact", "verdict__exact", "supervision_form__exact")
    if not any(name in offered for name, _value in parameters):
        assert names(response) == ["Pirkko Salaisuus"]


def test_pagination_keeps_search_and_filter(kati: Client) -> None:
    for number in range(51):
        received(name=f"Lähettäjä {number}")
    assert len(rows(kati.get(LIST))) == 50
    second = kati.get(LIST, {"p": "2", "q": "lähettäjä", "status__exact": "new"})
    assert len(rows(second)) == 1
    page = second.content.decode()
    assert "status__exact=new" in page.split('class="pagination"')[1]


def test_long_list_count_is_limited(kati: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(53):
        received(name=f"Lähettäjä {number}")
    assert '<span class="result-count">53</span>' in kati.get(LIST).content.decode()
    monkeypatch.setattr("intake.desk.list.MOST_LISTED", 52)
    first, last = kati.get(LIST), kati.get(LIST, {"p": "2"})
    assert "Tiedostoon tulee yli 52 yhteydenottoa." in first.content.decode()
    assert '<span class="result-count">yli 52</span>' in first.content.decode()
    assert "Yli 52 yhteydenottoa" in first.content.decode().split('class="pagination__end"')[1]
    assert (len(rows(first)), names(last)) == (50, ["Lähettäjä 2", "Lähettäjä 1"])
    # The oldest ones come first in the other order, and every one is exported.
    assert names(kati.get(LIST, {"o": "5"}))[0] == "Lähettäjä 0"
    exported = b"".join(kati.get(LIST, {"export": "csv"})).decode()
    assert all(f"Lähettäjä {number}" in exported for number in range(53))
    assert "yli" not in kati.get(LIST, {"q": "Lähettäjä 52"}).content.decode().split('class="pagination__end"')[1]
