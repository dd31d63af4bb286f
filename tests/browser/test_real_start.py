"""Tests with production settings behind an https proxy, for everything that aijuu_site/settings/test.py changes.

These are the password hasher, the names of static files, the mail backend, ALLOWED_HOSTS, TRUSTED_PROXIES, SITE_URL,
FORM_RATE_LIMIT, SECRET_KEY and DATA_DIR. tests/home/images/test_picture_making.py tests the generation of pictures in
the background.
"""

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup

from tests.aijuu_site.accounts.second_step_visits import code_of
from tests.browser.waits import eventually
from tests.intake.visiting import ShownForm, letter
from tests.tools.running_site import ADMIN_EMAIL, ADMIN_PASSWORD, ROOT, RunningSite

NAME = "www.aijuu-koe.fi"
LIMIT = 10
KATI = "kati.levola@aijuu.fi"
SESSION, CSRF = "__Host-sessionid", "__Host-csrftoken"
TWELVE_HOURS = 12 * 60 * 60


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    cookies: SimpleCookie
    body: bytes


@pytest.fixture(scope="module")
def https_site(started_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    data_dir = tmp_path_factory.mktemp("https") / "data"
    shutil.copytree(started_once, data_dir)
    settings = {"SITE_URL": f"https://{NAME}", "TRUSTED_PROXIES": "", "FORM_RATE_LIMIT": "", "EMAIL_URL": "files:"}
    site = RunningSite(data_dir, overrides=settings)
    site.start()
    yield site
    assert site.stop() == 0, "\n".join(site.output)


def ask(
    site: RunningSite,
    path: str,
    form: dict[str, str | list[str]] | None = None,
    *,
    host: str = NAME,
    proto: str = "https",
    forwarded_for: str = "203.0.113.1",
    cookies: str = "",
) -> Answer:
    """Send a request as the proxy does: http to the port, with the proxy's headers."""
    headers = {"Host": host, "X-Forwarded-For": forwarded_for, "X-Forwarded-Proto": proto, "Cookie": cookies}
    body = None
    if form is not None:
        body = urlencode(form, doseq=True)
        headers |= {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"https://{NAME}",
            "Referer": f"https://{NAME}{path}",
            "Sec-Fetch-Site": "same-origin",
        }
    with closing(HTTPConnection("127.0.0.1", site.port, timeout=60)) as connection:
        connection.request("GET" if form is None else "POST", path, body, {k: v for k, v in headers.items() if v})
        answer = connection.getresponse()
        received = SimpleCookie()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            received.load(cookie)
        headers = {name.title(): value for name, value in answer.headers.items()}
        return Answer(answer.status, headers, received, answer.read())


def send_message(site: RunningSite, number: int, *, forwarded_for: str) -> int:
    page = ask(site, "/ota-yhteytta/", forwarded_for=forwarded_for)
    form = ShownForm(page.body.decode()).values
    words = letter(email=f"maija{number}@esimerkki.fi", message=f"Viesti numero {number}.")
    return ask(site, "/ota-yhteytta/", {**form, **words}, forwarded_for=forwarded_for).status


def database(site: RunningSite, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(site.data_dir / "db.sqlite3")) as connection:
        return connection.execute(query).fetchall()


def test_http_redirects_to_https_except_health(https_site: RunningSite) -> None:
    for path in ("/", "/ota-yhteytta/", "/admin/login/"):
        answer = ask(https_site, path, proto="http")
        assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}{path}")
    for path in ("/health/live", "/health/ready"):
        assert ask(https_site, path, proto="http", host="10.0.0.5:8000").status == 200
    # X-Forwarded-Proto from the proxy is trusted, so there is no redirect loop.
    page = ask(https_site, "/")
    assert page.status == 200
    assert "max-age=31536000" in page.headers["Strict-Transport-Security"]


def test_a_strangers_host_name_is_refused(https_site: RunningSite) -> None:
    for host in ("evil.example", "testserver", f"{NAME}.evil.example"):
        assert ask(https_site, "/", host=host).status == 400


def test_static_files_are_kept_under_hashed_names(https_site: RunningSite) -> None:
    page = BeautifulSoup(ask(https_site, "/").body, "html.parser")
    names = [str(link["href"]) for link in page.select("link[rel=stylesheet]")]
    assert names
    for name in names:
        assert re.search(r"\.[0-9a-f]{12}\.css$", name)
        file = ask(https_site, name)
        assert file.status == 200
        assert "immutable" in file.headers["Cache-Control"]


def token_in(page: Answer) -> str:
    token = BeautifulSoup(page.body, "html.parser").select_one("[name=csrfmiddlewaretoken]")
    assert token is not None
    return str(token["value"])


def test_session_is_secure_and_ends_after_twelve_hours(https_site: RunningSite) -> None:
    shown = ask(https_site, "/admin/login/")
    form: dict[str, str | list[str]] = {
        "username": ADMIN_EMAIL,
        "password": ADMIN_PASSWORD,
        "csrfmiddlewaretoken": token_in(shown),
        "next": "/admin/",
        "remember": "on",
    }
    cookies = f"{CSRF}={shown.cookies[CSRF].value}"
    answer = ask(https_site, "/admin/login/", form, cookies=cookies)
    # The password alone does not sign in: a second step is required here.
    assert (answer.status, answer.headers["Location"]) == (302, "/admin/login/enrol/")
    waiting = f"{cookies}; {SESSION}={answer.cookies[SESSION].value}"
    assert ask(https_site, "/admin/", cookies=waiting).status == 302
    page = ask(https_site, "/admin/login/enrol/", cookies=waiting)
    secret = re.search(rb"<code>([A-Z2-7 ]+)</code>", page.body)
    assert secret is not None
    code = code_of(secret[1].decode().replace(" ", ""))
    enrol: dict[str, str | list[str]] = {"code": code, "csrfmiddlewaretoken": token_in(page)}
    answer = ask(https_site, "/admin/login/enrol/", enrol, cookies=waiting)
    assert answer.headers["Location"].startswith("/admin/account/login/recovery-codes/")
    session = answer.cookies[SESSION]
    assert int(session["max-age"]) == TWELVE_HOURS
    assert (session["secure"], session["httponly"], session["samesite"]) == (True, True, "Lax")
    assert ask(https_site, "/admin/", cookies=f"{SESSION}={session.value}").status == 200


def test_passwords_are_stored_slowly_hashed(https_site: RunningSite) -> None:
    stored = [password for (password,) in database(https_site, "SELECT password FROM accounts_user")]
    assert stored
    assert all(re.match(r"pbkdf2_sha256\$\d{6,}\$", password) for password in stored)


def test_one_proxy_is_trusted_behind_https(https_site: RunningSite) -> None:
    """The proxy adds the last address of X-Forwarded-For; a forged one before it does not bypass the limit."""
    sent = [send_message(https_site, n, forwarded_for=f"198.51.100.{n}, 203.0.113.9") for n in range(LIMIT + 1)]
    assert sent == [303] * LIMIT + [429]
    assert send_message(https_site, LIMIT + 1, forwarded_for="198.51.100.1, 203.0.113.10") == 303


def test_without_a_mail_server_mail_becomes_files(https_site: RunningSite) -> None:
    assert send_message(https_site, 100, forwarded_for="203.0.113.77") == 303
    folder = https_site.data_dir / "mail"

    def recipients() -> set[str]:
        # A name that begins with a dot is a file that is still being written.
        return {message_from_bytes(mail.read_bytes())["To"] for mail in folder.glob("[!.]*")}

    assert KATI in eventually(recipients, lambda found: KATI in found)


def test_form_is_proven_by_hand(https_site: RunningSite) -> None:
    before = database(https_site, "SELECT count(*) FROM intake_enquiry")
    finished = subprocess.run(
        [sys.executable, "manage.py", "prove_form"],
        cwd=ROOT,
        env={**https_site.environment, "PROOF_EMAIL": "koe@example.fi"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, ""), "\n".join(https_site.output)
    assert "The form works" in finished.stdout
    mails = [message_from_bytes(mail.read_bytes()) for mail in (https_site.data_dir / "mail").glob("[!.]*")]
    assert [mail["To"] for mail in mails].count("koe@example.fi") == 2
    assert database(https_site, "SELECT count(*) FROM intake_enquiry") == before
    assert database(https_site, "SELECT result FROM intake_formproof") == [("passed",)]


def test_real_database_has_its_pragmas(https_site: RunningSite) -> None:
    script = """
from django.db import connection
with connection.cursor() as cursor:
    for name in ("journal_mode", "synchronous", "secure_delete", "busy_timeout"):
        print(*cursor.execute(f"PRAGMA {name}").fetchone())
"""
    # synchronous=2 is FULL, so that commits survive a power cut.
    assert https_site.run(script).split() == ["wal", "2", "1", "5000"]
