"""How environment variables become settings: https, hosts, secrets, database, storage, mail."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from aijuu_site.settings.data import data_folder, database_from_url
from aijuu_site.settings.environment import SettingError
from tests.aijuu_site.environments import settings_with

pytestmark = pytest.mark.once

KEY = "made-outside-and-long-enough-to-be-taken-for-a-real-key"


def test_https_settings_are_strict(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, SITE_URL="https://www.example.fi", EMAIL_URL="smtp://localhost")
    assert (settings["SESSION_COOKIE_NAME"], settings["CSRF_COOKIE_NAME"]) == ("__Host-sessionid", "__Host-csrftoken")
    assert settings["SESSION_COOKIE_SECURE"] is True
    assert settings["CSRF_COOKIE_SECURE"] is True
    assert settings["SECURE_SSL_REDIRECT"] is True
    assert settings["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert settings["CSRF_TRUSTED_ORIGINS"] == ["https://www.example.fi"]
    assert settings["WAGTAILADMIN_BASE_URL"] == "https://www.example.fi"
    assert settings["TRUSTED_PROXIES"] == 1
    assert "www.example.fi" in settings["ALLOWED_HOSTS"]


def test_http_settings_on_loopback(tmp_path: Path) -> None:
    settings = settings_with(tmp_path)
    # Browsers accept no __Host- cookie over http.
    assert (settings["SESSION_COOKIE_NAME"], settings["CSRF_COOKIE_NAME"]) == ("sessionid", "csrftoken")
    assert settings["SESSION_COOKIE_SECURE"] is False
    assert settings["CSRF_COOKIE_SECURE"] is False
    assert settings["SECURE_SSL_REDIRECT"] is False
    assert settings["SECURE_HSTS_SECONDS"] == 0
    assert settings["DEBUG"] is False


def test_empty_variables_give_defaults(tmp_path: Path) -> None:
    settings = settings_with(tmp_path)
    assert (settings["PORT"], settings["HOST"]) == (8000, "127.0.0.1")
    assert settings["SITE_URL"] == "http://127.0.0.1:8000"
    assert settings["ALLOWED_HOSTS"] == ["127.0.0.1", "localhost", "[::1]"]
    assert settings["DATABASES"]["default"]["NAME"] == str(settings["DATA_DIR"] / "db.sqlite3")
    assert settings["EMAIL_BACKEND"] == "aijuu_site.mail_files.MailFilesBackend"
    assert settings["DEFAULT_FROM_EMAIL"] == "Aijuu työnohjaus <kati.levola@aijuu.fi>"
    assert (settings["ADMIN_EMAIL"], settings["ADMIN_PASSWORD"]) == ("kati.levola@aijuu.fi", "")
    assert (settings["FORM_RATE_LIMIT"], settings["TRUSTED_PROXIES"]) == (10, 0)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("kati@faß.de", "kati@xn--fa-hia.de"),
        ("Kati <kati@ääkkönen.fi>", "Kati <kati@xn--kknen-fraa0m.fi>"),
        ('"Levola, Kati" <Kati@Example.fi>', '"Levola, Kati" <Kati@example.fi>'),
        ("kati@example.fi", "kati@example.fi"),
    ],
)
def test_default_from_email_is_normalised(tmp_path: Path, written: str, sent: str) -> None:
    assert settings_with(tmp_path, DEFAULT_FROM_EMAIL=written)["DEFAULT_FROM_EMAIL"] == sent


@pytest.mark.parametrize(
    ("written", "kept"),
    [("kati@xn--fa-hia.de", "kati@faß.de"), ("Kati@EXAMPLE.fi", "Kati@example.fi"), ("kati@faß.de", "kati@faß.de")],
)
def test_admin_email_is_normalised(tmp_path: Path, written: str, kept: str) -> None:
    assert settings_with(tmp_path, ADMIN_EMAIL=written)["ADMIN_EMAIL"] == kept


def test_default_site_url_has_port(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, PORT=" 8123 ", SITE_URL="")
    assert settings["SITE_URL"] == "http://127.0.0.1:8123"


@pytest.mark.parametrize(
    ("written", "understood", "host"),
    [
        ("https://www.example.fi/", "https://www.example.fi", "www.example.fi"),
        ("HTTPS://WWW.Example.FI", "https://www.example.fi", "www.example.fi"),
        ("https://example.fi:443", "https://example.fi", "example.fi"),
        ("https://example.fi:8443/", "https://example.fi:8443", "example.fi"),
        ("http://example.fi:80", "http://example.fi", "example.fi"),
        ("https://example.fi.", "https://example.fi", "example.fi"),
        ("https://työnohjaus.fi", "https://xn--tynohjaus-17a.fi", "xn--tynohjaus-17a.fi"),
        ("http://[::1]:8000", "http://[::1]:8000", "[::1]"),
        ("http://[2001:DB8:0::1]", "http://[2001:db8::1]", "[2001:db8::1]"),
        ("http://192.0.2.7:8000", "http://192.0.2.7:8000", "192.0.2.7"),
    ],
)
def test_site_url_is_normalised(tmp_path: Path, written: str, understood: str, host: str) -> None:
    settings = settings_with(tmp_path, SITE_URL=written, EMAIL_URL="files:")
    assert settings["SITE_URL"] == understood
    assert settings["CSRF_TRUSTED_ORIGINS"] == [understood]
    assert host in settings["ALLOWED_HOSTS"]


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("a.fi,b.fi", ["a.fi", "b.fi"]),
        ("a.fi, b.fi", ["a.fi", "b.fi"]),
        (" A.fi b.FI ,", ["a.fi", "b.fi"]),
        ("työ.fi", ["xn--ty-gka.fi"]),
        (".example.org", [".example.org"]),
        ("::1,[2001:db8::1]", ["[::1]", "[2001:db8::1]"]),
        ("10.0.0.5", ["10.0.0.5"]),
        ("", []),
    ],
)
def test_own_host_names_are_always_allowed(tmp_path: Path, written: str, understood: list[str]) -> None:
    https = {"SITE_URL": "https://www.example.fi", "EMAIL_URL": "files:"}
    hosts = settings_with(tmp_path, **https, ALLOWED_HOSTS=written)["ALLOWED_HOSTS"]
    assert set(hosts) == {"www.example.fi", "example.fi", "127.0.0.1", "localhost", "[::1]", *understood}


def test_forwarded_proto_needs_trusted_proxy(tmp_path: Path) -> None:
    assert settings_with(tmp_path)["SECURE_PROXY_SSL_HEADER"] is None
    header = settings_with(tmp_path, TRUSTED_PROXIES="1")["SECURE_PROXY_SSL_HEADER"]
    assert header == ("HTTP_X_FORWARDED_PROTO", "https")


def test_secret_key_is_created_once_with_mode_600(tmp_path: Path) -> None:
    first = settings_with(tmp_path)["SECRET_KEY"]
    assert len(first) >= 50
    assert settings_with(tmp_path)["SECRET_KEY"] == first
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert settings_with(tmp_path, SECRET_KEY=KEY)["SECRET_KEY"] == KEY


@pytest.mark.parametrize("sign", ["$", "$$", "${HOME}", "#", "%41", "\\n", "'", '"'])
def test_secrets_are_taken_literally(tmp_path: Path, sign: str) -> None:
    settings = settings_with(tmp_path, SECRET_KEY=sign + KEY, ADMIN_PASSWORD=f"{sign}HOME ")
    assert settings["SECRET_KEY"] == sign + KEY
    assert settings["ADMIN_PASSWORD"] == f"{sign}HOME "


def test_new_data_folder_has_mode_700(tmp_path: Path) -> None:
    settings_with(tmp_path / "new" / "data")
    assert (tmp_path / "new" / "data").stat().st_mode & 0o777 == 0o700


def test_data_dir_with_tilde_expands_to_home(tmp_path: Path) -> None:
    assert settings_with("~/aijuu", HOME=str(tmp_path))["DATA_DIR"] == tmp_path / "aijuu"


@pytest.mark.parametrize(
    ("written", "folder"),
    [("", "sources/var"), ("var", "sources/var"), ("var/trial", "sources/var/trial"), ("../data", "data"),
     ("./var/../../data/", "data")],
)  # fmt: skip
def test_relative_data_dir_is_relative_to_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, folder: str
) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    monkeypatch.chdir("/")
    assert data_folder(written, sources=sources) == tmp_path / folder


@pytest.mark.parametrize(
    ("written", "endpoint", "secret", "region"),
    [
        ("s3://key:s/a+l@a@s3.example.fi/kuvat", "https://s3.example.fi", "s/a+l@a", "us-east-1"),
        (
            "s3://key:s%2Fa%25@s3.example.fi:9000/kuvat?region=eu-north-1",
            "https://s3.example.fi:9000",
            "s/a%",
            "eu-north-1",
        ),
        ("S3+HTTP://key:s@mini_io:9000/kuvat?region=auto", "http://mini_io:9000", "s", "auto"),
        ("s3+http://key:s@[::1]:9000/kuvat", "http://[::1]:9000", "s", "us-east-1"),
    ],
)
def test_storage_url_selects_the_bucket(tmp_path: Path, written: str, endpoint: str, secret: str, region: str) -> None:
    settings = settings_with(tmp_path, STORAGE_URL=written)
    uploads, pictures = settings["STORAGES"]["default"], settings["STORAGES"]["pictures"]
    for storage in (uploads, pictures):
        assert storage["BACKEND"] == "aijuu_site.bucket.BucketStorage"
        options = storage["OPTIONS"]
        assert (options["access_key"], options["secret_key"]) == ("key", secret)
        assert (options["endpoint_url"], options["bucket_name"]) == (endpoint, "kuvat")
        assert options["region_name"] == region
    assert (uploads["OPTIONS"]["location"], uploads["OPTIONS"]["base_url"]) == ("uploads", "/admin/uploads/")
    assert (pictures["OPTIONS"]["location"], pictures["OPTIONS"]["base_url"]) == ("media", "/media/")


def test_files_are_in_the_data_folder_by_default(tmp_path: Path) -> None:
    settings = settings_with(tmp_path)
    assert settings["STORAGES"]["default"]["OPTIONS"]["location"] == str(tmp_path / "uploads")
    assert settings["STORAGES"]["pictures"]["BACKEND"] == "aijuu_site.storages.PictureStorage"
    assert settings["MEDIA_ROOT"] == tmp_path / "media"


def test_email_url_selects_server_or_files(tmp_path: Path) -> None:
    with_server = settings_with(tmp_path, EMAIL_URL="smtp+tls://kati:s%40la@mail.example.fi:587")
    assert with_server["EMAIL_BACKEND"].endswith("smtp.EmailBackend")
    assert (with_server["EMAIL_HOST"], with_server["EMAIL_PORT"]) == ("mail.example.fi", 587)
    assert with_server["EMAIL_HOST_PASSWORD"] == "s@la"
    assert with_server["EMAIL_USE_TLS"] is True
    assert with_server["EMAIL_TIMEOUT"] > 0
    for files in ("", "files:"):
        assert settings_with(tmp_path, EMAIL_URL=files)["EMAIL_BACKEND"] == "aijuu_site.mail_files.MailFilesBackend"


@pytest.mark.parametrize(
    ("written", "password"),
    [
        ("s%23la", "s#la"),
        ("s#la", "s#la"),
        ("s/la", "s/la"),
        ("s%2Fla", "s/la"),
        ("s?la=1&b", "s?la=1&b"),
        ("s@la", "s@la"),
        ("s:la", "s:la"),
        ("[sala", "[sala"),
        ("100%25", "100%"),
        ("$HOME", "$HOME"),
        ("s+la", "s+la"),
    ],
)
def test_url_passwords_may_contain_any_character(tmp_path: Path, written: str, password: str) -> None:
    settings = settings_with(
        tmp_path,
        EMAIL_URL=f"smtp+tls://kati%40example.fi:{written}@mail.example.fi",
        DATABASE_URL=f"postgres://kati:{written}@db.example.fi:5433/aijuu?sslmode=require",
    )
    assert (settings["EMAIL_HOST_USER"], settings["EMAIL_HOST_PASSWORD"]) == ("kati@example.fi", password)
    assert (settings["EMAIL_HOST"], settings["EMAIL_PORT"]) == ("mail.example.fi", 587)
    database = settings["DATABASES"]["default"]
    assert (database["USER"], database["PASSWORD"], database["NAME"]) == ("kati", password, "aijuu")
    assert database["OPTIONS"]["sslmode"] == "require"


@pytest.mark.parametrize(
    ("scheme", "port", "starttls", "tls"),
    [("smtp", 25, False, False), ("smtp+tls", 587, True, False), ("smtp+ssl", 465, False, True),
     ("smtps", 465, False, True)],
)  # fmt: skip
def test_default_ports_of_mail_schemes(tmp_path: Path, scheme: str, port: int, starttls: bool, tls: bool) -> None:
    settings = settings_with(tmp_path, EMAIL_URL=f"{scheme}://localhost")
    assert settings["EMAIL_PORT"] == port
    assert (settings["EMAIL_USE_TLS"], settings["EMAIL_USE_SSL"]) == (starttls, tls)
    assert (settings["EMAIL_HOST_USER"], settings["EMAIL_HOST_PASSWORD"]) == ("", "")


def test_sqlite_options(tmp_path: Path) -> None:
    database = database_from_url("", tmp_path)
    assert database["ENGINE"] == "aijuu_site.queued_sqlite"
    assert database["NAME"] == str(tmp_path / "db.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert database["OPTIONS"]["timeout"] >= 5
    with closing(sqlite3.connect(database["NAME"])) as connection:
        connection.executescript(database["OPTIONS"]["init_command"])
        pragmas = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "secure_delete", "cache_size")
        ]
        # 2 is FULL: each commit is written to disk before it is acknowledged, so it survives a power cut.
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert pragmas == ["wal", 1, -512]


@pytest.mark.parametrize(("written", "name"), [("other.db", "{data}/other.db"), ("/srv/a b.db", "/srv/a b.db")])
def test_sqlite_url_path(tmp_path: Path, written: str, name: str) -> None:
    assert database_from_url(f"sqlite:///{written}", tmp_path)["NAME"] == name.format(data=tmp_path)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_is_pooled(tmp_path: Path, scheme: str) -> None:
    database = database_from_url(f"{scheme}://kati:s%40la@db.example.fi:5433/aijuu", tmp_path)
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["NAME"], database["HOST"], database["PORT"]) == ("aijuu", "db.example.fi", 5433)
    assert (database["USER"], database["PASSWORD"]) == ("kati", "s@la")
    assert database["OPTIONS"]["pool"]["max_size"] >= 5
    # A visitor waits at most ten seconds.
    assert database["OPTIONS"]["pool"]["timeout"] + database["OPTIONS"]["connect_timeout"] < 10
    assert "transaction_mode" not in database["OPTIONS"]


def test_database_url_options_override_lock_timeout(tmp_path: Path) -> None:
    database = database_from_url("postgres:///aijuu?options=-c%20lock_timeout%3D9s", tmp_path)
    assert database["OPTIONS"]["options"] == "-c lock_timeout=5s -c lock_timeout=9s"


def test_postgresql_can_be_on_a_socket(tmp_path: Path) -> None:
    database = database_from_url("postgresql://postgres:@/aijuu?host=/run/postgresql", tmp_path)
    assert (database["NAME"], database["HOST"], database["PORT"], database["USER"]) == ("aijuu", "", "", "postgres")
    assert database["OPTIONS"]["host"] == "/run/postgresql"


def test_unknown_database_scheme_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError):
        database_from_url("mongodb://localhost/aijuu", tmp_path)


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("kati@faß.de", "kati@xn--fa-hia.de"),
        ("Kati <kati@työ.fi>", "Kati <kati@xn--ty-gka.fi>"),
        ('"Levola, Kati" <kati@example.fi>', '"Levola, Kati" <kati@example.fi>'),
        ("<kati@example.fi>", "kati@example.fi"),
    ],
)
def test_international_sender_domain_uses_idna_2008(tmp_path: Path, written: str, understood: str) -> None:
    """Python's mail package (IDNA 2003) would send from fass.de, which is another domain."""
    assert settings_with(tmp_path, DEFAULT_FROM_EMAIL=written)["DEFAULT_FROM_EMAIL"] == understood


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("mail_relay", "mail_relay"),
        ("[::1]:25", "::1"),
        ("MAIL.example.fi", "mail.example.fi"),
        ("pö.fi", "xn--p-1ga.fi"),
    ],
)
def test_mail_server_host_names(tmp_path: Path, written: str, host: str) -> None:
    assert settings_with(tmp_path, EMAIL_URL=f"smtp://{written}")["EMAIL_HOST"] == host
