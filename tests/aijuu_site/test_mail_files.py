"""Mail stored as files, for somebody who tries the site without a mail server."""

import email
import email.policy
from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import override_settings

pytestmark = pytest.mark.once


@pytest.fixture
def sent(tmp_path: Path) -> list[Path]:
    with override_settings(EMAIL_BACKEND="aijuu_site.mail_files.MailFilesBackend", MAIL_DIR=tmp_path / "mail"):
        for name in ("Äiti Öhman", "Toinen"):
            message = EmailMultiAlternatives(
                "Viestisi on perillä – kiitos",
                "Hyvää päivää, työnohjaus etenee näin. " * 5,
                "Aijuu työnohjaus <kati.levola@aijuu.fi>",
                [f"{name} <a@example.fi>"],
            )
            message.attach_alternative("<p>Hyvää päivää</p>", "text/html")
            assert message.send() == 1
    return sorted((tmp_path / "mail").iterdir())


def test_each_mail_is_a_readable_eml_file(sent: list[Path]) -> None:
    assert [path.suffix for path in sent] == [".eml", ".eml"]
    text = sent[0].read_text(encoding="utf-8")
    assert "Subject: Viestisi on perillä – kiitos" in text
    assert "To: Äiti Öhman <a@example.fi>" in text
    assert "Hyvää päivää, työnohjaus etenee näin." in text


def test_mail_file_is_valid_message(sent: list[Path]) -> None:
    message = email.message_from_bytes(sent[0].read_bytes(), policy=email.policy.default)
    assert message["Subject"] == "Viestisi on perillä – kiitos"
    html = message.get_body(("html",))
    assert html is not None
    assert "Hyvää päivää" in html.get_content()


def test_mail_files_are_readable_by_owner_alone(sent: list[Path]) -> None:
    assert {path.stat().st_mode & 0o777 for path in sent} == {0o600}
    assert sent[0].parent.stat().st_mode & 0o777 == 0o700
