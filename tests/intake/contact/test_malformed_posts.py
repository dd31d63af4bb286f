"""Posts that no browser makes are answered and never cause a server error."""

from urllib.parse import urlencode

import pytest

from intake.models import Enquiry
from tests.intake.visiting import ADDRESS, OWN_PAGE, ShownForm, Visitor, letter, page_text, token

pytestmark = pytest.mark.every_case

URLENCODED = "application/x-www-form-urlencoded"


def _post(visitor: Visitor, body: bytes, content_type: str, address: str = ADDRESS) -> int:
    answer = visitor.client.generic("POST", address, body, content_type=content_type, headers=OWN_PAGE)
    assert not Enquiry.objects.exists()
    return answer.status_code


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"--b\r\nContent-Disposition: form-data; name=", "multipart/form-data; boundary=b"),
        (b"", "multipart/form-data; boundary=b"),
        (b"name=Maija", "multipart/form-data"),
        (b"name=Maija", "multipart/form-data; boundary=" + "b" * 300),
        (b'{"name": "Maija"}', "application/json"),
        (b"\xff\xfe\x00", URLENCODED),
        (b"=&=&&&name&%zz=%zz", URLENCODED),
        (b"name=Maija", f"{URLENCODED}; charset=utf-16"),
        (b"name=Maija", f"{URLENCODED}; charset=ei-ole"),
        (b"name=Maija", ""),
        (b"name=Maija", "text/plain"),
    ],
)
def test_a_malformed_post_is_answered(visitor: Visitor, body: bytes, content_type: str) -> None:
    for below in ("", "viesti/", "odotuslista/"):
        # 409: the waiting list is closed at the moment.
        expected = (400, 409) if below == "odotuslista/" else (400, 422)
        assert _post(visitor, body, content_type, ADDRESS + below) in expected, below


@pytest.mark.parametrize("charset", ["utf-7", "hex", "rot13", "idna", "utf-16", "undefined"])
def test_an_odd_character_set_is_answered(visitor: Visitor, charset: str) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nMaija +2AA- \xff\x80\r\n--b--\r\n'
    assert _post(visitor, body, f"multipart/form-data; boundary=b; charset={charset}") in (400, 422)


@pytest.mark.parametrize("transfer", ["base64", "quoted-printable"])
def test_an_odd_transfer_encoding_is_answered(visitor: Visitor, transfer: str) -> None:
    head = f'--b\r\nContent-Disposition: form-data; name="name"\r\nContent-Transfer-Encoding: {transfer}\r\n\r\n'
    body = head.encode() + b"A=ZZ!!\xff\r\n--b--\r\n"
    assert _post(visitor, body, "multipart/form-data; boundary=b") in (400, 422)


_FILE = '--b\r\nContent-Disposition: form-data; name="a{}"; filename="a.txt"\r\n\r\nx\r\n'
TOO_MUCH = {
    "text": (urlencode({"message": "x" * (2 * 1024 * 1024 + 1)}).encode(), URLENCODED),
    "fields": (urlencode({f"field{number}": "x" for number in range(3000)}).encode(), URLENCODED),
    "files": (
        ("".join(_FILE.format(number) for number in range(200)) + "--b--\r\n").encode(),
        "multipart/form-data; boundary=b",
    ),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_oversized_post_is_413_with_recovery_instructions(visitor: Visitor, what: str) -> None:
    body, content_type = TOO_MUCH[what]
    answer = visitor.client.generic("POST", ADDRESS, body, content_type=content_type, headers=OWN_PAGE)
    assert answer.status_code == 413
    text = page_text(answer)
    assert "Viestiä ei lähetetty" in text
    assert "Takaisin-painikkeella" in text
    assert "050 534 8567" in text.replace("\xa0", " ")
    assert "no-store" in answer["Cache-Control"]
    assert not Enquiry.objects.exists()


def test_post_below_the_size_limit_is_returned_whole(visitor: Visitor) -> None:
    long = "x" * (2 * 1024 * 1024 - 5000)
    body = urlencode({**letter(message=long), "form_token": token()}, doseq=True).encode()
    answer = visitor.client.generic("POST", ADDRESS, body, content_type=URLENCODED, headers=OWN_PAGE)
    assert answer.status_code == 422
    assert ShownForm.of(answer).words["message"] == long


def test_uploaded_file_as_text_field_is_422(visitor: Visitor) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="name"; filename="a\x00.txt"\r\n\r\nMaija\r\n--b--\r\n'
    assert _post(visitor, body, "multipart/form-data; boundary=b") == 422


def test_unknown_post_fields_are_ignored(visitor: Visitor) -> None:
    extra = {"verdict": "accepted", "status": "closed", "reference": "AAA-AAA", "received_at": "2000-01-01"}
    assert visitor.sends(letter(**extra)).status_code == 303
    enquiry = Enquiry.objects.get()
    assert enquiry.status == "new"
    assert enquiry.reference != "AAA-AAA"
    assert enquiry.received_at.year > 2000


def test_last_value_of_repeated_field_is_used(visitor: Visitor) -> None:
    answer = visitor.sends(letter(name=["Maija", "Matti"]))
    assert answer.status_code == 303
    assert Enquiry.objects.get().name == "Matti"


@pytest.mark.parametrize("garbage", ["\x00", "ä" * 5000, "a:b:c", ":" * 2000, "💥"])
def test_a_nonsense_token_is_answered(visitor: Visitor, garbage: str) -> None:
    assert visitor.sends(letter(form_token=garbage)).status_code == 422
    assert visitor.sends(letter(form_token=token() + garbage)).status_code == 422


@pytest.mark.parametrize("path", ["kiitos/", "kiitos/x/", "muu/", "kiitos/00000000-0000-0000-0000-000000000000/"])
def test_other_addresses_under_the_form_are_not_found(visitor: Visitor, path: str) -> None:
    assert visitor.client.get(ADDRESS + path).status_code == 404
    assert visitor.client.post(ADDRESS + path, letter(), headers=OWN_PAGE).status_code in (404, 405)
    assert not Enquiry.objects.exists()
