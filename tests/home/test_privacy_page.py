"""The privacy page states what is stored, and for how long according to the settings and the code."""

from datetime import timedelta

import pytest
from django.test import Client

from intake.enquiry.rules import RECEIPT_WINDOW
from intake.mapping.models import LIFETIME
from intake.models import IntakeSettings
from tests.intake.visiting import page_text

NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture
def text(loaded_site: None) -> str:
    return page_text(Client().get("/tietosuoja/")).replace(NBSP, " ")


def test_privacy_page_describes_mapping(text: str) -> None:
    assert "vastauksesi sen kysymyksiin" in text
    assert "tallentuvat vaihe kerrallaan" in text
    assert "Kati näkee ne vasta, kun olet lähettänyt ne" in text
    assert "pääsee vain linkillä, joka on sinun" in text
    assert f"Alkukartoitus, jota ei ole lähetetty: {LIFETIME.days} päivää siitä, kun aloitit sen" in text


def test_retention_times_match_settings(text: str) -> None:
    settings = IntakeSettings.load()
    assert f"lähetetyt alkukartoitukset: enintään {settings.retention_months} kuukautta" in text
    assert f"Roskapostiksi vahvistetut viestit: {settings.spam_days} päivää" in text
    assert timedelta(days=1) == RECEIPT_WINDOW
    assert "Oma kopiosi siitä, mitä lähetit: nähtävillä vuorokauden lähettämisestä" in text
    assert f"Odotuslista: noin {3 * settings.waiting_months} kuukautta" in text
