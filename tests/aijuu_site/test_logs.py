"""The log has an id for each request, and never any personal data or text of a visitor, whatever fails."""

import asyncio
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError, connection
from django.test import Client, override_settings
from django.utils import timezone

from aijuu_site.kept_pages.keeper import Keeper
from aijuu_site.logs import JsonFormatter, LineFormatter
from aijuu_site.serving.shell import Shell
from home.pause.rules import FormMode
from intake.jobs.runner import Job, JobContext, JobRunner
from intake.mail.delivery import deliver_due
from intake.models import Enquiry
from tests.accounts import make_user
from tests.aijuu_site.test_shell import Protocol, Scope
from tests.intake.mail.test_mail_server import answer_by, server_that
from tests.intake.mapping.answering import Answerer, contact_facts
from tests.intake.visiting import ADDRESS, Visitor, letter
from tests.intake.waiting.visitors import JOIN, joins, private_address, set_pause, wish

# Each test value contains one of these secrets. The log must contain none of them in any spelling.
MARK = "salaviesti"
PHONE = "0457391739"
NETWORK = "203.0.113.73"
SECRETS = re.compile(f"{MARK}|{PHONE[1:]}|739 ?1739|{re.escape(NETWORK)}|salaisuus", re.IGNORECASE)
WORDS: dict[str, str | list[str]] = {
    "name": f"Maija {MARK}",
    "email": f"{MARK}@esimerkki.fi",
    "phone": PHONE,
    "organisation": f"{MARK} Oy",
    "message": f"Tämä on {MARK}.",
}
HEADERS = {
    "Sec-Fetch-Site": "same-origin",
    "User-Agent": MARK,
    "Referer": f"http://testserver/?{MARK}",
    "Cookie": f"a={MARK}",
    "X-Forwarded-For": NETWORK,
}

pytestmark = pytest.mark.usefixtures("loaded_site")
Log = Callable[[], list[str]]


@pytest.fixture(params=[LineFormatter, JsonFormatter])
def log(request: pytest.FixtureRequest) -> Iterator[Log]:
    """Return a function that returns the log's lines so far. Parametrized with both log formats."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(request.param())
    logging.getLogger().addHandler(handler)
    yield lambda: stream.getvalue().splitlines()
    logging.getLogger().removeHandler(handler)


def browser() -> Client:
    return Client(raise_request_exception=False, headers=HEADERS, REMOTE_ADDR=NETWORK)


def visitor() -> Visitor:
    return Visitor(network_address=NETWORK, headers=HEADERS, client=browser())


def broken(*arguments: object, **named: object) -> Any:
    """Raise an error whose text quotes the arguments, as errors of databases do."""
    raise ValueError(f"{MARK} {arguments!r} {named!r}")


def refuse(path: str) -> bool:
    raise SuspiciousOperation(f"bad {path}")


class FailingWrites:
    """An execute wrapper: each INSERT into `table` fails with an error that quotes the row."""

    def __init__(self, table: str) -> None:
        self.table = table

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(f'INSERT INTO "{self.table}"'):
            raise DatabaseError(f"{MARK}: {params!r}")
        return execute(sql, params, many, context)


def letters(_settings: Any) -> list[str]:
    assert visitor().sends(letter(**WORDS)).status_code == 303
    assert visitor().sends(letter(**{**WORDS, "email": MARK})).status_code == 422
    assert visitor().sends(letter(**WORDS), headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert browser().post(ADDRESS + f"?q={MARK}", {"message": MARK * 300_000}).status_code == 413
    with connection.execute_wrapper(FailingWrites("intake_enquiry")):
        assert visitor().sends(letter(**{**WORDS, "message": f"{MARK} 2"})).status_code == 503
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("intake.contact.page.receive_enquiry", broken)
        assert visitor().sends(letter(**WORDS)).status_code == 500
    with override_settings(FORM_RATE_LIMIT=1):
        assert visitor().sends(letter(**{**WORDS, "message": f"{MARK} 3"})).status_code == 429
    return [
        "an enquiry could not be stored: DatabaseError",
        "500 Internal Server Error at POST wagtail_serve ValueError",
    ]


def waiting(_settings: Any) -> list[str]:
    set_pause(FormMode.WAITING_LIST)
    words = wish(**WORDS)
    assert joins(visitor(), words, headers=HEADERS).status_code == 303
    with connection.execute_wrapper(FailingWrites("intake_enquiry")):
        again = {**words, "message": f"{MARK} 2"}
        assert joins(visitor(), again, headers=HEADERS).status_code == 503
    assert browser().post(JOIN, {**words, "email": MARK, "form_token": MARK}).status_code == 422
    private = private_address(Enquiry.objects.get())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.template.response.TemplateResponse.render", broken)
        assert browser().get(private).status_code == 500
    return ["an enquiry could not be stored: DatabaseError", "500 Internal Server Error at GET"]


def mapping(_settings: Any) -> list[str]:
    answerer = Answerer(network_address=NETWORK, headers=HEADERS, client=browser())
    facts = {name: value for name, value in WORDS.items() if name != "message"}
    assert answerer.begins(contact_facts(**facts)).status_code == 303
    assert answerer.opens("vaihe/1").status_code == 200
    answerer.sends_step(1, {"q_x": MARK})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.template.response.TemplateResponse.render", broken)
        assert answerer.opens("vaihe/1").status_code == 500
    return ["500 Internal Server Error at GET"]


def addresses(_settings: Any) -> list[str]:
    # Requests for addresses that contain secrets. A 404 is not logged.
    for path in (f"/{MARK}/", f"/?{MARK}={PHONE}", f"/jatka/{MARK}/", "/media/salaisuus.svg", f"/admin/?next=/{MARK}"):
        assert browser().get(path).status_code in (200, 302, 404)
    assert Client().get("/", headers={"host": f"{MARK}.fi"}).status_code == 400
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aijuu_site.views.ContactDetails", None)
        assert browser().get(f"/.well-known/security.txt?{MARK}").status_code == 500
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aijuu_site.views.is_stored_name", refuse)
        assert browser().get(f"/media/{MARK}.svg").status_code == 400
    return ["500 Internal Server Error at GET security_txt AttributeError", "400 Bad Request at GET media_file"]


def admin(_settings: Any) -> list[str]:
    received = visitor().sends(letter(**WORDS))
    assert received.status_code == 303
    client = browser()
    del client.defaults["HTTP_COOKIE"]
    client.post("/admin/login/", {"username": f"{MARK}@esimerkki.fi", "password": MARK})
    client.force_login(make_user("Kati", is_superuser=True))
    assert client.get("/admin/yhteydenotot/", {"q": MARK}).status_code == 200
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.template.response.TemplateResponse.render", broken)
        assert client.get("/admin/yhteydenotot/", {"q": MARK}).status_code == 500
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False, headers={"referer": f"http://{MARK}.fi/"})
    assert strict.post("/admin/login/", {"username": MARK}).status_code == 403
    return ["500 Internal Server Error at GET", "ValueError at "]


def mails(settings: Any) -> list[str]:
    assert visitor().sends(letter(**WORDS)).status_code == 303
    refusal = f"550 <{MARK}@esimerkki.fi> is unknown\r\n".encode()
    with server_that(lambda connected, _over: answer_by(connected, {b"RCPT": refusal}), settings, timeout=5):
        assert deliver_due() == 2
        Enquiry.objects.get().mails.update(next_attempt_at=timezone.now(), failures=0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("intake.mail.delivery.build_message", broken)
            assert deliver_due() == 2
    return ["could not be sent: ValueError"]


def jobs(_settings: Any) -> list[str]:
    def each_fails(context: JobContext) -> None:
        context.each([1, 2], lambda _item: broken())

    failing = [Job(name=name, title="", every=timedelta(), run=run) for name, run in (
        ("whole", broken), ("items", each_fails),
    )]  # fmt: skip
    assert JobRunner(failing, lambda: False).run_all() == failing
    return ["whole failed (1 in a row): ValueError at ", "items: one item failed: ValueError at "]


def server(_settings: Any) -> list[str]:
    with override_settings(SITE_URL="http://www.aijuu-koe.fi"):
        shell = Shell(broken, Keeper())
    protocol = Protocol()
    asyncio.run(shell.__rsgi__(Scope(f"/{MARK}/", query_string=f"q={MARK}"), protocol))  # type: ignore[arg-type]
    assert protocol.status == 500
    return ["The server failed at a request. ValueError at "]


def others(_settings: Any) -> list[str]:
    """Log as a third-party package may: several lines, an error with its text, and a private address."""
    logger = logging.getLogger("asyncio")
    try:
        broken(WORDS)
    except ValueError:
        logger.exception("Task exception was never retrieved\nfuture: <Task exception=%r>", MARK)
    logger.error("at /jatka/salaisuus/odotuslista/")
    return ["Task exception was never retrieved ValueError at ", "at /jatka/…/odotuslista/"]


WAYS = [letters, waiting, mapping, addresses, admin, mails, jobs, server, others]


@pytest.mark.parametrize("way", WAYS)
def test_log_holds_no_personal_data(way: Callable[[Any], list[str]], log: Log, settings: Any) -> None:
    expected = way(settings)
    lines = log()
    records = [json.loads(line) if line.startswith("{") else {"message": line} for line in lines]
    text = "\n".join(f"{one['message']} {one.get('error', '')}" for one in records)
    for words in expected:
        assert words in text
    assert not [line for line in lines if SECRETS.search(line)]
    # Each record is one line: without a traceback or line breaks.
    assert not [line for line in lines if not re.match(r'\{"time": "|\d{4}-\d\d-\d\d ', line)]


def request_id_of(line: str) -> str:
    if line.startswith("{"):
        return str(json.loads(line)["request_id"])
    found = re.search(r"\[([\w.-]+)\]$", line)
    return found[1] if found else ""


def fails_twice(request: Any) -> Any:
    logging.getLogger("aijuu").warning("first")
    return broken()


def ask_failing(monkeypatch: pytest.MonkeyPatch, **headers: str) -> str:
    monkeypatch.setattr("aijuu_site.views.ContactDetails.load", fails_twice)
    response = Client(raise_request_exception=False).get("/.well-known/security.txt", headers=headers)
    assert response.status_code == 500
    return response["X-Request-ID"]


def test_all_lines_of_a_request_have_its_id(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = ask_failing(monkeypatch), ask_failing(monkeypatch)
    assert first != second
    assert [request_id_of(line) for line in log()] == [first, first, second, second]
    logging.getLogger("aijuu").warning("outside of a request")
    assert first not in log()[-1]
    assert second not in log()[-1]


@pytest.mark.parametrize(
    ("proxies", "sent", "taken"),
    [
        (1, "4f6a-Z_9.abc", True),
        (1, "0" * 64, True),
        (0, "4f6a-Z_9.abc", False),
        (1, "short", False),
        (1, "0" * 65, False),
        (1, "maija@esimerkki.fi", False),
        (1, "12345678 [x]", False),
        (1, "12345678\r\nSet-Cookie: a=b", False),
        (1, "", False),
    ],
)
def test_request_id_is_taken_from_trusted_proxy(settings: Any, proxies: int, sent: str, taken: bool) -> None:
    settings.TRUSTED_PROXIES = proxies
    answered = Client().get("/", headers={"x-request-id": sent})["X-Request-ID"]
    assert (answered == sent) is taken
    assert taken or re.fullmatch(r"[0-9a-f]{16}", answered)


def test_json_log_format() -> None:
    record = logging.LogRecord("aijuu", logging.WARNING, "", 1, "Ääkkösiä %s", ("ja muuta",), None)
    line = json.loads(JsonFormatter().format(record))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]{12}\+00:00", line.pop("time"))
    assert line == {"level": "WARNING", "logger": "aijuu", "message": "Ääkkösiä ja muuta"}


def test_passkey_ids_are_not_logged() -> None:
    """python-fido2 logs them at each login with the level INFO."""
    assert not logging.getLogger("fido2.server").isEnabledFor(logging.INFO)
