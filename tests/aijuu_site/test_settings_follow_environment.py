"""What the environment says is what the site does: https settings, hosts, secrets, database, mail."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from aijuu_site.databases import database_from_url

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent.parent
_SHOW = """
import json
import django
django.setup()
from aijuu_site.settings import production as settings
print(json.dumps({name: getattr(settings, name) for name in dir(settings) if name.isupper()}, default=str))
"""
# Every one is set, so that a developer's .env can't take part.
_NEUTRAL = {
    "PORT": "8000", "SITE_URL": "http://127.0.0.1:8000", "SECRET_KEY": "", "ALLOWED_HOSTS": "", "DATABASE_URL": "",
    "EMAIL_URL": "", "FORM_RATE_LIMIT": "10", "TRUSTED_PROXIES": "0",
}  # fmt: skip


def settings_with(data_dir: Path, **environment: str) -> dict[str, Any]:
    finished = subprocess.run(
        [sys.executable, "-c", _SHOW],
        cwd=ROOT,
        env={
            **os.environ,
            **_NEUTRAL,
            "DJANGO_SETTINGS_MODULE": "aijuu_site.settings.production",
            "DATA_DIR": str(data_dir),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


def test_https_is_strict(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, SITE_URL="https://www.example.fi")
    assert settings["SESSION_COOKIE_SECURE"] is True
    assert settings["CSRF_COOKIE_SECURE"] is True
    assert settings["SECURE_SSL_REDIRECT"] is True
    assert settings["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert settings["CSRF_TRUSTED_ORIGINS"] == ["https://www.example.fi"]
    assert settings["WAGTAILADMIN_BASE_URL"] == "https://www.example.fi"
    assert "www.example.fi" in settings["ALLOWED_HOSTS"]


def test_http_on_loopback_works(tmp_path: Path) -> None:
    settings = settings_with(tmp_path)
    assert settings["SESSION_COOKIE_SECURE"] is False
    assert settings["CSRF_COOKIE_SECURE"] is False
    assert settings["SECURE_SSL_REDIRECT"] is False
    assert settings["SECURE_HSTS_SECONDS"] == 0
    assert settings["DEBUG"] is False


def test_the_address_follows_the_port(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, PORT="8123", SITE_URL="")
    assert settings["SITE_URL"] == "http://127.0.0.1:8123"


def test_no_host_is_allowed_that_nobody_named(tmp_path: Path) -> None:
    hosts = settings_with(tmp_path, SITE_URL="https://www.example.fi", ALLOWED_HOSTS="a.fi,b.fi")["ALLOWED_HOSTS"]
    assert hosts == ["a.fi", "b.fi"]
    assert "*" not in settings_with(tmp_path)["ALLOWED_HOSTS"]


def test_a_forwarded_scheme_is_believed_only_from_a_proxy_of_our_own(tmp_path: Path) -> None:
    assert settings_with(tmp_path)["SECURE_PROXY_SSL_HEADER"] is None
    header = settings_with(tmp_path, TRUSTED_PROXIES="1")["SECURE_PROXY_SSL_HEADER"]
    assert header == ["HTTP_X_FORWARDED_PROTO", "https"]


def test_a_secret_is_made_once_kept_and_readable_by_the_owner_alone(tmp_path: Path) -> None:
    first = settings_with(tmp_path)["SECRET_KEY"]
    assert len(first) >= 50
    assert settings_with(tmp_path)["SECRET_KEY"] == first
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert settings_with(tmp_path, SECRET_KEY="from-outside")["SECRET_KEY"] == "from-outside"


def test_a_new_data_folder_is_the_owners_alone(tmp_path: Path) -> None:
    settings_with(tmp_path / "new" / "data")
    assert (tmp_path / "new" / "data").stat().st_mode & 0o777 == 0o700


def test_mail_goes_to_the_server_that_is_named_and_else_to_files(tmp_path: Path) -> None:
    with_server = settings_with(tmp_path, EMAIL_URL="smtp+tls://kati:s%40la@mail.example.fi:587")
    assert with_server["EMAIL_BACKEND"].endswith("smtp.EmailBackend")
    assert (with_server["EMAIL_HOST"], with_server["EMAIL_PORT"]) == ("mail.example.fi", 587)
    assert with_server["EMAIL_HOST_PASSWORD"] == "s@la"
    assert with_server["EMAIL_USE_TLS"] is True
    assert with_server["EMAIL_TIMEOUT"] > 0
    assert settings_with(tmp_path)["EMAIL_BACKEND"] == "aijuu_site.mail_files.MailFilesBackend"


def test_sqlite_waits_and_survives_a_power_cut(tmp_path: Path) -> None:
    database = database_from_url("", tmp_path)
    assert database["ENGINE"] == "django.db.backends.sqlite3"
    assert database["NAME"] == str(tmp_path / "db.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert database["OPTIONS"]["timeout"] >= 5
    assert "journal_mode=WAL" in database["OPTIONS"]["init_command"]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_is_pooled(tmp_path: Path, scheme: str) -> None:
    database = database_from_url(f"{scheme}://kati:s%40la@db.example.fi:5433/aijuu", tmp_path)
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["NAME"], database["HOST"], database["PORT"]) == ("aijuu", "db.example.fi", 5433)
    assert (database["USER"], database["PASSWORD"]) == ("kati", "s@la")
    assert database["OPTIONS"]["pool"]["max_size"] >= 5
    assert "transaction_mode" not in database["OPTIONS"]


def test_an_unknown_kind_of_database_is_an_error_and_not_sqlite(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured):
        database_from_url("mongodb://localhost/aijuu", tmp_path)
