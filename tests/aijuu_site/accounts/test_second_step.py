"""The second step at login: behind https every account must pass it before any page of the admin opens."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from allauth import urls as allauth_urls
from allauth.mfa.models import Authenticator
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from wagtail.models import PageViewRestriction

from aijuu_site.accounts.models import AttemptTrace, User
from home.models import ContentPage
from intake.choices import MailPurpose
from intake.models import OutgoingMail
from tests.accounts import confirmed, make_user
from tests.aijuu_site.accounts.second_step_visits import (
    ENROL,
    HOST,
    LOGIN,
    OWN,
    PASSWORD,
    STEP,
    Browser,
    code_of,
    focused,
    give_password,
    is_in,
    recovery_codes,
    shown_secret,
    signed_in,
    with_app,
    words,
)
from tests.aijuu_site.environments import https_settings, settings_with

Authenticators = Authenticator.objects


@pytest.fixture
def https(tmp_path: Path, settings: Any) -> None:
    for name, value in https_settings(tmp_path, HOST).items():
        setattr(settings, name, value)


@pytest.fixture
def kati(db: None) -> User:
    return make_user("Kati Levola", email="kati@example.fi", password=PASSWORD, is_superuser=True)


def notices() -> list[str]:
    return [mail.text for mail in OutgoingMail.objects.filter(purpose=MailPurpose.ACCOUNT_CHANGED).order_by("pk")]


def admin_addresses() -> Iterator[str]:
    """Return every URL of the admin, with "1" as each argument."""

    def urls_below(patterns: list[Any], prefix: str) -> Iterator[str]:
        for pattern in patterns:
            route = prefix + re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]+>", "1", str(pattern.pattern))
            if isinstance(pattern, URLResolver):
                yield from urls_below(pattern.url_patterns, route)
            elif isinstance(pattern, URLPattern):
                yield "/" + re.sub(r"[\^$\\?]", "", route)

    yield from (address for address in urls_below(get_resolver().url_patterns, "") if address.startswith("/admin/"))


# URLs that are open without a login: signing in and out, the password reset, and the scripts and icons of these pages.
OPEN = re.compile(r"/admin/(login/|logout/|password_reset/|jsi18n/|sprite|icon-sprite)")


@pytest.mark.usefixtures("https")
@pytest.mark.parametrize("page", [STEP, ENROL])
def test_signed_in_user_is_redirected_from_login_steps(page: str, kati: User) -> None:
    secret = with_app(kati)
    browser = signed_in(kati, secret)
    for answer in (browser.get(page, follow=True), browser.post(page, {"code": code_of(secret)}, follow=True)):
        assert (answer.status_code, answer.redirect_chain[-1][0]) == (200, "/admin/")


@pytest.mark.usefixtures("https")
def test_password_alone_opens_no_admin_url(kati: User, loaded_site: None) -> None:
    old, fresh = Browser(), Browser()
    # `old` has a session from before the site had https; `fresh` has given its password but no code.
    old.force_login(kati)
    give_password(fresh, kati)
    addresses = {address for address in admin_addresses() if not OPEN.match(address)}
    assert len(addresses) > 200
    for address in sorted(addresses):
        for answer in (fresh.get(address), old.post(address)):
            shown = (address, answer.status_code, answer.headers.get("Location"))
            assert answer.status_code in (302, 403, 404, 405), shown
            if answer.status_code == 302:
                assert "/login/" in answer["Location"], shown
    for browser in (old, fresh):
        for answer in (browser.get("/admin/pages/"), browser.post("/admin/pages/")):
            assert "/login/" in answer["Location"]
    assert User.objects.get() == kati


@pytest.mark.usefixtures("https")
@pytest.mark.parametrize("kind", ["login", "groups"])
def test_password_alone_opens_no_private_page(kind: str, kati: User, loaded_site: None) -> None:
    secret = with_app(kati)
    page = ContentPage.objects.get(slug="tietosuoja")
    restriction = PageViewRestriction.objects.create(page=page, restriction_type=kind)
    if kind == "groups":
        restriction.groups.set(kati.groups.all())
    upload = default_storage.save("original_images/a.svg", ContentFile(b"<svg/>"))
    old, fresh = Browser(), Browser()
    old.force_login(kati)
    give_password(fresh, kati)
    for browser in (old, fresh):
        assert browser.get("/tietosuoja/")["Location"].startswith("/admin/login/")
        # 404 rather than a redirect: it does not reveal whether the upload exists.
        assert browser.get(f"/admin/uploads/{upload}").status_code == 404
    with time_machine.travel(timezone.now() + timedelta(minutes=2), tick=False):
        browser = signed_in(kati, secret)
    assert browser.get("/tietosuoja/").status_code == 200
    assert browser.get(f"/admin/uploads/{upload}").status_code == 200


@pytest.mark.usefixtures("https", "loaded_site")
def test_first_login_enrols_authenticator_app(kati: User) -> None:
    browser = Browser()
    answer = give_password(browser, kati, next="/admin/yhteydenotot/")
    assert (answer.status_code, answer["Location"]) == (302, ENROL)
    page = browser.get(ENROL)
    assert "Suojaa kirjautumisesi" in words(page)
    assert "no-store" in page["Cache-Control"]
    # No autofocus: the QR code above the field must be read first.
    assert focused(page) == []
    secret = shown_secret(page)
    # Reloading the page keeps the secret, because an app may have read the QR code already.
    assert shown_secret(browser.get(ENROL)) == secret
    wrong = browser.post(ENROL, {"code": "000000"})
    assert "Koodi tai avain ei kelvannut." in words(wrong)
    assert shown_secret(wrong) == secret
    assert focused(wrong) == ["code"]
    assert not is_in(browser)
    done = browser.post(ENROL, {"code": code_of(secret)})
    assert (done.status_code, done["Location"]) == (
        302,
        "/admin/account/login/recovery-codes/?next=%2Fadmin%2Fyhteydenotot%2F",
    )
    codes = browser.get(done["Location"])
    for code in recovery_codes(kati):
        assert f"{code[:4]} {code[4:]}" in words(codes)
    assert 'href="/admin/yhteydenotot/"' in codes.content.decode()
    assert is_in(browser)
    [text] = notices()
    assert "kirjautumisen vahvistusta muutettiin" in text
    assert "Muutoksen teki kati@example.fi." in text
    row = str(list(Authenticators.values()))
    assert secret not in row


@pytest.mark.usefixtures("https")
def test_app_code_signs_in(kati: User, loaded_site: None) -> None:
    secret, browser = with_app(kati), Browser()
    answer = give_password(browser, kati, next="/admin/yhteydenotot/")
    assert (answer.status_code, answer["Location"]) == (302, STEP)
    assert not is_in(browser)
    page = browser.get(STEP)
    assert "Vahvista kirjautuminen" in words(page)
    assert focused(page) == ["code"]
    assert "publickey-credentials-get=(self)" in page["Permissions-Policy"]
    assert "camera=()" in page["Permissions-Policy"]
    wrong = browser.post(STEP, {"code": "12345"})
    assert (wrong.status_code, is_in(browser)) == (200, False)
    assert "Koodi tai avain ei kelvannut." in words(wrong)
    answer = browser.post(STEP, {"code": f" {code_of(secret)[:3]} {code_of(secret)[3:]} "})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/yhteydenotot/")
    assert is_in(browser)


@pytest.mark.usefixtures("https")
def test_app_code_works_once(kati: User, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, code = with_app(kati), ""
    # allauth marks used codes in the process's cache, which another process does not see.
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.TOTP._mark_code_used", lambda _self, _code: True)
    with time_machine.travel(timezone.now(), tick=False):
        code = code_of(secret)
        assert is_in(signed_in(kati, secret))
        second = Browser()
        give_password(second, kati)
        answer = second.post(STEP, {"code": code})
    assert "Tämä koodi on jo käytetty." in words(answer)
    assert not is_in(second)


@pytest.mark.usefixtures("https")
@pytest.mark.parametrize(("steps", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_app_code_tolerates_one_step_of_clock_drift(steps: int, is_right: bool, kati: User) -> None:
    secret, browser = with_app(kati), Browser()
    with time_machine.travel(timezone.now(), tick=False):
        give_password(browser, kati)
        browser.post(STEP, {"code": code_of(secret, steps)})
        assert is_in(browser) is is_right


@pytest.mark.usefixtures("https")
def test_recovery_code_works_once(kati: User) -> None:
    with_app(kati)
    code, *_others = recovery_codes(kati)
    for is_right in (True, False):
        browser = Browser()
        give_password(browser, kati)
        browser.post(STEP, {"code": f"{code[:4]} {code[4:]}"})
        assert is_in(browser) is is_right
    assert len(recovery_codes(kati)) == 9


@pytest.mark.usefixtures("https")
def test_wrong_codes_are_limited_across_logins(kati: User) -> None:
    secret = with_app(kati)
    for number in range(6):
        # Each iteration is a new login: the right password resets only the count of wrong passwords.
        browser = Browser("203.0.113.9")
        give_password(browser, kati)
        answer = browser.post(STEP, {"code": f"00000{number}"})
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    assert "Liian monta väärää koodia. Odota 15 minuuttia" in words(answer)
    browser.post(STEP, {"code": code_of(secret)})
    assert not is_in(browser)
    # The owner can sign in from another network address.
    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=False):
        assert is_in(signed_in(kati, secret, Browser("198.51.100.4")))


@pytest.mark.usefixtures("https")
def test_wrong_codes_elsewhere_keep_known_address_open(kati: User) -> None:
    secret, home = with_app(kati), "198.51.100.4"
    with time_machine.travel(timezone.now() - timedelta(minutes=30), tick=False):
        signed_in(kati, secret, Browser(home))
    statuses = []
    for number in range(12):
        browser = Browser(f"203.0.113.{number}")
        give_password(browser, kati)
        statuses.append(browser.post(STEP, {"code": "000000"}).status_code)
    assert statuses == [200] * 10 + [429] * 2
    assert is_in(signed_in(kati, secret, Browser(home)))


def test_attempts_store_no_codes(kati: User, https: None) -> None:
    secret = with_app(kati)
    browser = Browser()
    give_password(browser, kati)
    browser.post(STEP, {"code": "123456"})
    signed_in(kati, secret, browser)
    keys = list(AttemptTrace.objects.values_list("key", flat=True))
    assert keys
    # The keys are digests. A search for the six digits would fail when a digest contains them by chance.
    assert [key for key in keys if not re.fullmatch("[0-9a-f]{64}", key)] == []


@pytest.mark.usefixtures("https")
def test_new_password_ends_pending_login(kati: User) -> None:
    secret, browser = with_app(kati), Browser()
    give_password(browser, kati)
    kati.set_password("aivan-toinen-salasana-3")
    kati.save()
    answer = browser.post(STEP, {"code": code_of(secret)})
    assert (answer.status_code, answer["Location"]) == (302, LOGIN)
    assert not is_in(browser)


@pytest.mark.usefixtures("https")
def test_login_replaces_session_of_another_account(kati: User) -> None:
    maija, browser = make_user(email="maija@example.fi", password=PASSWORD, group="Sisällöntuottaja"), Browser()
    secret = with_app(kati)
    browser.force_login(maija)
    assert is_in(signed_in(kati, secret, browser))
    assert browser.get("/admin/").context["request"].user == kati


@pytest.mark.usefixtures("https")
def test_pending_login_expires_after_fifteen_minutes(kati: User) -> None:
    secret, browser = with_app(kati), Browser()
    give_password(browser, kati)
    with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=False):
        assert browser.post(STEP, {"code": code_of(secret)})["Location"] == LOGIN
        assert not is_in(browser)


@pytest.mark.usefixtures("https")
def test_second_enrolment_is_refused(kati: User) -> None:
    thief, owner = Browser(), Browser()
    for browser in (thief, owner):
        give_password(browser, kati)
    thiefs, owners = shown_secret(thief.get(ENROL)), shown_secret(owner.get(ENROL))
    owner.post(ENROL, {"code": code_of(owners)})
    assert is_in(owner)
    assert thief.post(ENROL, {"code": code_of(thiefs)})["Location"] == LOGIN
    assert thief.get(ENROL)["Location"] == LOGIN
    assert not is_in(thief)
    assert Authenticators.filter(type="totp").count() == 1


@pytest.mark.usefixtures("https")
def test_last_required_second_step_cannot_be_removed(kati: User, settings: Any) -> None:
    secret = with_app(kati)
    browser = confirmed(signed_in(kati, secret))
    assert "Tämä on ainoa vahvistustapasi" in words(browser.get(OWN))
    assert "Tämä on ainoa vahvistustapasi" in words(browser.post(f"{OWN}app/remove/"))
    assert Authenticators.filter(type="totp").exists()
    # While the account has other methods, each can be removed. Passkeys are off in the tests otherwise.
    settings.MFA_SUPPORTED_TYPES = [*settings.MFA_SUPPORTED_TYPES, "webauthn"]
    first, last = (Authenticators.create(user=kati, type="webauthn", data={"name": name}) for name in "ab")
    assert browser.post(f"{OWN}app/remove/").status_code == 302
    assert browser.post(f"{OWN}passkeys/{first.pk}/remove/").status_code == 302
    assert browser.post(f"{OWN}passkeys/{last.pk}/remove/").status_code == 404
    assert Authenticators.filter(type__in=("totp", "webauthn")).get() == last


def test_second_step_is_optional_without_https(kati: User) -> None:
    browser = Client()
    answer = give_password(browser, kati)
    assert answer["Location"] == "/admin/"
    assert is_in(browser)
    confirmed(browser)
    page = browser.get(f"{OWN}app/")
    assert browser.post(f"{OWN}app/", {"code": code_of(shown_secret(page))})["Location"] == f"{OWN}recovery-codes/"
    other = Client()
    assert give_password(other, kati)["Location"] == STEP
    assert not is_in(other)
    assert browser.post(f"{OWN}app/remove/")["Location"] == OWN
    # The recovery codes are removed together with the last method.
    assert not Authenticators.exists()
    assert len(notices()) == 2


@pytest.mark.parametrize(
    "path", ["app/", "app/remove/", "recovery-codes/", "recovery-codes/new/", "recovery-codes/download/"]
)
def test_changing_second_step_needs_the_password(path: str, kati: User) -> None:
    with_app(kati)
    browser = Client()
    browser.force_login(kati)
    before = list(Authenticators.values())
    for answer in (browser.get(OWN + path), browser.post(OWN + path, {"code": "1"})):
        assert answer.status_code == 403
        text = words(answer)
        assert "Vahvista, että se olet sinä" in text
        for code in recovery_codes(kati):
            assert code[:4] not in text
    assert browser.post(OWN + path, {"confirm_password": "arvaus", "confirm_opens_page": "1"}).status_code == 403
    answer = browser.post(OWN + path, {"confirm_password": PASSWORD, "confirm_opens_page": "1"})
    assert (answer.status_code, answer["Location"]) == (302, OWN + path)
    assert list(Authenticators.values()) == before
    assert browser.get(OWN + path).status_code in (200, 302)


def test_passkey_pages_need_host_name(kati: User) -> None:
    # The host in the tests' SITE_URL is an IP address.
    browser = Client()
    browser.force_login(kati)
    page = words(browser.get(OWN))
    assert "Pääsyavaimia ei voi käyttää täällä" in page
    assert "Luo pääsyavain" not in page
    assert confirmed(browser).get(f"{OWN}passkeys/add/").status_code == 404


@pytest.mark.parametrize(
    ("url", "is_name"),
    [
        ("https://aijuu.fi", True),
        ("http://localhost:8000", True),
        ("http://127.0.0.1:8000", False),
        ("https://[::1]", False),
    ],
)
def test_passkeys_need_host_name_in_site_url(url: str, is_name: bool, tmp_path: Path) -> None:
    values = settings_with(tmp_path, SITE_URL=url, EMAIL_URL="files:")
    assert ("webauthn" in values["MFA_SUPPORTED_TYPES"]) is is_name


@pytest.mark.usefixtures("https")
def test_app_secret_of_other_secret_key_is_useless(kati: User, settings: Any) -> None:
    secret, browser = with_app(kati), Browser()
    settings.SECRET_KEY = "another-key-after-a-restore-without-the-old-one-in-place"
    give_password(browser, kati)
    answer = browser.post(STEP, {"code": code_of(secret)})
    assert answer.status_code == 200
    assert not is_in(browser)


SIGN_UP = ("signup/", "password/change/", "password/set/", "password/reset/", "email/", "confirm-email/", "inactive/",
           "reauthenticate/", "login/code/confirm/", "2fa/", "2fa/authenticate/", "2fa/trust/", "2fa/webauthn/login/",
           "2fa/webauthn/signup/", "3rdparty/", "sessions/", "social/connections/")  # fmt: skip


def test_other_allauth_pages_are_not_served(kati: User) -> None:
    def names(patterns: list[Any]) -> set[str]:
        return {
            name
            for pattern in patterns
            for name in (names(pattern.url_patterns) if isinstance(pattern, URLResolver) else {pattern.name})
        }

    ours = names(get_resolver().url_patterns)
    theirs = names(allauth_urls.urlpatterns)
    assert theirs & ours == {
        "account_login", "mfa_index", "mfa_authenticate", "mfa_activate_totp", "mfa_deactivate_totp",
        "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_download_recovery_codes", "usersessions_list",
    } | ({"mfa_add_webauthn", "mfa_remove_webauthn"} & theirs)  # fmt: skip
    browser = Client()
    browser.force_login(kati)
    for path in SIGN_UP:
        for prefix in ("/", "/admin/", "/accounts/", "/admin/account/", "/admin/login/"):
            if prefix + path != "/admin/account/login/":
                assert browser.get(prefix + path).status_code in (301, 404), prefix + path
