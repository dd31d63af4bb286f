"""An invalid setting gives one line that names it and shows no secret. Nothing is written."""

import os
from pathlib import Path

import pytest

from aijuu_site.settings.data import data_folder, make_data_folder
from aijuu_site.settings.environment import Environment, SettingError
from tests.aijuu_site.environments import HTTPS, ROOT, SECRET, settings_with

pytestmark = pytest.mark.once

REFUSED = [
    ("SITE_URL", "www.example.fi"),
    ("SITE_URL", "//www.example.fi"),
    ("SITE_URL", "https:/www.example.fi"),
    ("SITE_URL", "https:www.example.fi"),
    ("SITE_URL", "ftp://www.example.fi"),
    ("SITE_URL", "https://"),
    ("SITE_URL", "https:///"),
    ("SITE_URL", "https://www.example.fi/sivusto"),
    ("SITE_URL", "https://www.example.fi/?a=b"),
    ("SITE_URL", "https://www.example.fi#a"),
    ("SITE_URL", f"https://kati:{SECRET}@www.example.fi"),
    ("SITE_URL", "https://www.example.fi:0"),
    ("SITE_URL", "https://www.example.fi:99999"),
    ("SITE_URL", "https://www.example.fi:"),
    ("SITE_URL", "https://www.example.fi:abc"),
    ("SITE_URL", "https://www.exa mple.fi"),
    ("SITE_URL", "https://www.exa\tmple.fi"),
    ("SITE_URL", "https://www.example.fi\nhttps://b.fi"),
    ("SITE_URL", "https://*.example.fi"),
    ("SITE_URL", "https://www..fi"),
    ("SITE_URL", "https://www.example.fi\\a"),
    ("SITE_URL", "https://[::1"),
    ("SITE_URL", "https://::1"),
    ("SITE_URL", "https://999.1.1.1"),
    ("SITE_URL", "https://https://www.example.fi"),
    ("SITE_URL", "https://www.example.fi,https://example.fi"),
    ("ALLOWED_HOSTS", "*"),
    ("ALLOWED_HOSTS", ".fi"),
    ("ALLOWED_HOSTS", ".xn--fi"),
    ("ALLOWED_HOSTS", "https://www.example.fi"),
    ("ALLOWED_HOSTS", "www.example.fi:8000"),
    ("ALLOWED_HOSTS", "www.example.fi/"),
    ("ALLOWED_HOSTS", "['a.fi', 'b.fi']"),
    ("ALLOWED_HOSTS", "a.fi;b.fi"),
    ("ALLOWED_HOSTS", "a.fi,."),
    ("PORT", "0"),
    ("PORT", "-1"),
    ("PORT", "65536"),
    ("PORT", "99999999999999999999"),
    ("PORT", "8000.0"),
    ("PORT", "8_000"),
    ("PORT", "http"),
    ("HOST", "0.0.0.0:8000"),
    ("HOST", "http://127.0.0.1"),
    ("HOST", "a..b"),
    ("HOST", "x" * 70),
    ("HOST", "*"),
    ("DATABASE_URL", "garbage"),
    ("DATABASE_URL", SECRET),
    ("DATABASE_URL", f"mysql://kati:{SECRET}@localhost/aijuu"),
    ("DATABASE_URL", f"postgres:kati:{SECRET}@localhost/aijuu"),
    ("DATABASE_URL", f"postgres://kati:{SECRET}@localhost:5432"),
    ("DATABASE_URL", f"postgres://kati:{SECRET}@localhost:5432/"),
    ("DATABASE_URL", f"postgres://kati:{SECRET}@localhost:abc/aijuu"),
    ("DATABASE_URL", f"postgres://kati:{SECRET}@local host/aijuu"),
    ("DATABASE_URL", f"postgres://kati:{SECRET}"),
    ("DATABASE_URL", f"postgres://kati:{SECRET}%ff@localhost/aijuu"),
    ("DATABASE_URL", "sqlite://db.sqlite3"),
    ("DATABASE_URL", "sqlite://"),
    ("DATABASE_URL", "sqlite://:memory:"),
    ("DATABASE_URL", "sqlite:///:memory:"),
    ("DATABASE_URL", f"sqlite:///{ROOT}/db.sqlite3"),
    ("EMAIL_URL", "mail.example.fi"),
    ("EMAIL_URL", "files"),
    ("EMAIL_URL", "files:/tmp"),
    ("HSTS", "yes"),
    ("HSTS", "subdomains,preload"),
    ("HSTS", "31536000"),
    ("EMAIL_URL", "smtp:mail.example.fi"),
    ("EMAIL_URL", "https://mail.example.fi"),
    ("EMAIL_URL", "dummymail://"),
    ("EMAIL_URL", "smtp://"),
    ("EMAIL_URL", f"smtp+tls://kati:{SECRET}"),
    ("EMAIL_URL", f"smtp+tls://kati:{SECRET}@"),
    ("EMAIL_URL", f"smtp+tls://kati:{SECRET}#x"),
    ("EMAIL_URL", f"smtp+tls://{SECRET}@mail.example.fi"),
    ("EMAIL_URL", f"smtp+tls://kati:{SECRET}ä@mail.example.fi"),
    ("EMAIL_URL", f"smtp+tls://kati:{SECRET}%E4@mail.example.fi"),
    ("EMAIL_URL", f"smtp+tls://kati:{SECRET}@mail.example.fi:70000"),
    ("EMAIL_URL", f"smtp+tls://kati:{SECRET}@mail.example.fi:587/x"),
    ("EMAIL_URL", f"smtp+tls://kati:{SECRET}@mail.example.fi?timeout=3"),
    ("EMAIL_URL", "smtp://..."),
    ("EMAIL_URL", "smtp://%"),
    ("EMAIL_URL", "smtp://-mail.example.fi"),
    ("EMAIL_URL", f"smtp://{'x' * 64}.fi"),
    ("EMAIL_URL", "smtp://mail.example.fi%0d%0a"),
    ("EMAIL_URL", f"smtp://kati:{SECRET}%0d%0aRSET@mail.example.fi"),
    ("EMAIL_URL", f"smtp://kati%00:{SECRET}@mail.example.fi"),
    ("DATABASE_URL", f"postgres://kati:{SECRET}%00@localhost/aijuu"),
    ("DATABASE_URL", "sqlite:///static/db.sqlite3"),
    ("DATABASE_URL", "sqlite:///mail/../media/db.sqlite3"),
    ("DATABASE_URL", "sqlite:///uploads/db.sqlite3"),
    ("DATABASE_URL", "sqlite:///backup-work/db.sqlite3"),
    ("DATABASE_URL", "sqlite:///backup-work"),
    ("DATABASE_URL", "sqlite:///static.earlier/db.sqlite3"),
    ("STORAGE_URL", SECRET),
    ("STORAGE_URL", f"https://key:{SECRET}@s3.example.fi/bucket"),
    ("STORAGE_URL", f"s3:key:{SECRET}@s3.example.fi/bucket"),
    ("STORAGE_URL", "s3://s3.example.fi/bucket"),
    ("STORAGE_URL", f"s3://{SECRET}@s3.example.fi/bucket"),
    ("STORAGE_URL", f"s3://:{SECRET}@s3.example.fi/bucket"),
    ("STORAGE_URL", f"s3://key:{SECRET}"),
    ("STORAGE_URL", f"s3://key:{SECRET}@/bucket"),
    ("STORAGE_URL", f"s3://key:{SECRET}@s3..fi/bucket"),
    ("STORAGE_URL", f"s3://key:{SECRET}@s3.example.fi"),
    ("STORAGE_URL", f"s3://key:{SECRET}@s3.example.fi/"),
    ("STORAGE_URL", f"s3://key:{SECRET}@s3.example.fi/b"),
    ("STORAGE_URL", f"s3://key:{SECRET}@s3.example.fi/Bucket"),
    ("STORAGE_URL", f"s3://key:{SECRET}@s3.example.fi/bucket/folder"),
    ("STORAGE_URL", f"s3://key:{SECRET}@s3.example.fi/.."),
    ("STORAGE_URL", f"s3://key:{SECRET}@s3.example.fi:abc/bucket"),
    ("STORAGE_URL", f"s3://key:{SECRET}@s3.example.fi:70000/bucket"),
    ("STORAGE_URL", f"s3://key:{SECRET}@s3.example.fi/bucket?region="),
    ("STORAGE_URL", f"s3://key:{SECRET}@s3.example.fi/bucket?region=a%20b"),
    ("STORAGE_URL", f"s3://key:{SECRET}@s3.example.fi/bucket?acl={SECRET}"),
    ("STORAGE_URL", f"s3://key:{SECRET}@s3.example.fi/bucket#x"),
    ("STORAGE_URL", f"s3://key:{SECRET}ä@s3.example.fi/bucket"),
    ("STORAGE_URL", f"s3://key:{SECRET} x@s3.example.fi/bucket"),
    ("STORAGE_URL", f"s3://key:{SECRET}%0a@s3.example.fi/bucket"),
    ("ADMIN_PASSWORD", f"{SECRET}\udcff"),
    ("ADMIN_PASSWORD", f"{SECRET}\n"),
    ("DEFAULT_FROM_EMAIL", "kati@localhost"),
    ("DEFAULT_FROM_EMAIL", "Kati <kati@[127.0.0.1]>"),
    ("DEFAULT_FROM_EMAIL", "kati@firma™.fi"),
    ("DEFAULT_FROM_EMAIL", f"{'x' * 65}@example.fi"),
    ("DEFAULT_FROM_EMAIL", "=?utf-8?q?kati?=@example.fi"),
    ("DEFAULT_FROM_EMAIL", "Kati"),
    ("DEFAULT_FROM_EMAIL", "kati@"),
    ("DEFAULT_FROM_EMAIL", "Kati <kati@example.fi>\nBcc: x@example.fi"),
    ("DEFAULT_FROM_EMAIL", "kati@example.fi, toinen@example.fi"),
    ("DEFAULT_FROM_EMAIL", "Levola, Kati <kati@example.fi>"),
    ("DEFAULT_FROM_EMAIL", "Kati <kati@example.fi"),
    ("DEFAULT_FROM_EMAIL", "Kati kati@example.fi"),
    ("DEFAULT_FROM_EMAIL", "kati@localhost"),
    ("DEFAULT_FROM_EMAIL", "Kati <kati@firma™.fi>"),
    ("DEFAULT_FROM_EMAIL", "kati@[127.0.0.1]"),
    ("ADMIN_EMAIL", "kati@localhost"),
    ("ADMIN_EMAIL", "kati@firma™.fi"),
    ("ADMIN_EMAIL", "mailto:kati@example.fi"),
    ("ADMIN_EMAIL", "kati@example.fi,"),
    ("ADMIN_EMAIL", "kati"),
    ("ADMIN_EMAIL", "kati@localhost"),
    ("ADMIN_EMAIL", "kati@firma™.fi"),
    ("ADMIN_EMAIL", "Kati <kati@example.fi>"),
    ("ADMIN_EMAIL", "kati@example.fi toinen@example.fi"),
    ("ADMIN_EMAIL", f"{'x' * 60}@{'y.' * 95}example.fi"),
    ("FORM_RATE_LIMIT", "0"),
    ("FORM_RATE_LIMIT", "-1"),
    ("FORM_RATE_LIMIT", "many"),
    ("TRUSTED_PROXIES", "-1"),
    ("TRUSTED_PROXIES", "10.0.0.1"),
    ("TRUSTED_PROXIES", "1000"),
    ("SECRET_KEY", SECRET),
    ("SECRET_KEY", f"${SECRET}"),
    ("SECRET_KEY", "a" * 80),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_invalid_setting_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingError) as refused:
        settings_with(tmp_path / "data", **{name: value})
    line = str(refused.value)
    assert line.startswith(f"{name}: ")
    assert "\n" not in line
    assert SECRET[:3] not in line
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"TRUSTED_PROXIES": "0"}, ["TRUSTED_PROXIES"]),
        ({"EMAIL_URL": ""}, ["EMAIL_URL"]),
        ({"EMAIL_URL": " "}, ["EMAIL_URL"]),
        ({"EMAIL_URL": f"smtp://kati:{SECRET}@mail.example.fi"}, ["EMAIL_URL"]),
        ({"EMAIL_URL": f"smtp://kati:{SECRET}@192.0.2.7:25"}, ["EMAIL_URL"]),
        ({"EMAIL_URL": "", "TRUSTED_PROXIES": "0"}, ["TRUSTED_PROXIES", "EMAIL_URL"]),
    ],
)
def test_https_names_all_missing_settings(tmp_path: Path, changed: dict[str, str], named: list[str]) -> None:
    with pytest.raises(SettingError) as refused:
        settings_with(tmp_path / "data", **{**HTTPS, **changed})
    assert [line.partition(": ")[0] for line in str(refused.value).splitlines()] == named
    assert SECRET[:3] not in str(refused.value)
    assert not (tmp_path / "data").exists()
    settings_with(tmp_path / "data", **HTTPS)


@pytest.mark.parametrize(
    "url",
    [f"smtp+tls://kati:{SECRET}@mail.example.fi", f"smtp://kati:{SECRET}@relay", f"smtp://kati:{SECRET}@127.0.0.1",
     "smtp://mail.example.fi", "files:"],
)  # fmt: skip
def test_https_takes_safe_mail_servers(tmp_path: Path, url: str) -> None:
    settings_with(tmp_path / "data", **{**HTTPS, "EMAIL_URL": url})


# DATA_DIR


@pytest.mark.parametrize(
    "written",
    [".", "..", "./", "/", "static", "static/new", "templates", "aijuu_site/settings", ".git", "new", "var/..",
     "var/../static", "variable", "{sources}", "{sources}/", "{sources}/static", "{parent}", "{link}", "{link}/static"],
)  # fmt: skip
def test_data_dir_overlapping_sources_is_refused(tmp_path: Path, written: str) -> None:
    sources = tmp_path / "sources"
    (sources / "static").mkdir(parents=True)
    (tmp_path / "link").symlink_to(sources)
    text = written.format(sources=sources, parent=tmp_path, link=tmp_path / "link")
    with pytest.raises(SettingError, match=r"^DATA_DIR: "):
        data_folder(text, sources=sources)


def test_data_dir_in_sources_ignores_case_on_mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file system of a Mac ignores case, so both names are the same folder."""
    sources, other = tmp_path / "sources", tmp_path / "Sources"
    (sources / "static").mkdir(parents=True)
    other.mkdir()
    monkeypatch.setattr(Path, "samefile", lambda one, two: str(one).lower() == str(two).lower())
    with pytest.raises(SettingError, match=r"^DATA_DIR: "):
        data_folder(str(other / "static"), sources=sources)


def test_var_symlink_into_sources_is_refused(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "var").symlink_to(tmp_path / "static")
    with pytest.raises(SettingError, match=r"^DATA_DIR: "):
        data_folder("", sources=tmp_path)


@pytest.mark.parametrize(
    "written", ["{tmp}/file", "{tmp}/file/below", "/proc/aijuu", "~nobody-of-this-name/x", "x" * 300]
)
def test_unusable_data_dir_is_refused(tmp_path: Path, written: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SettingError, match=r"^DATA_DIR: "):
        settings_with(written.format(tmp=tmp_path))
    assert (tmp_path / "file").read_text() == "mine"


def test_unwritable_data_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                # Root could write in spite of the mode.
                os.setuid(65534)
            make_data_folder(tmp_path)
        except SettingError:
            os._exit(3)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff" * 80])
def test_damaged_secret_key_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret_key").write_bytes(content)
    with pytest.raises(SettingError, match=r"^SECRET_KEY: .*secret_key"):
        settings_with(tmp_path)
    assert (tmp_path / "secret_key").read_bytes() == content


# The file .env


@pytest.mark.parametrize(
    "line",
    ["PORT=8123", "PORT = 8123", "export PORT=8123", 'PORT="8123"', "PORT='8123'", "PORT=8123   # a comment",
     "  PORT=8123 "],
)  # fmt: skip
@pytest.mark.parametrize(("start", "end"), [("", "\n"), ("\ufeff", "\r\n"), ("# first\n\n", "")])
def test_env_file_syntax_variants(tmp_path: Path, line: str, start: str, end: str) -> None:
    file = tmp_path / ".env"
    file.write_bytes((start + line + end).encode())
    assert Environment(file, {}).whole_number("PORT", default=1, lowest=1, highest=65535) == 8123


@pytest.mark.parametrize("value", ["$HOME", "a#b", "${X}", "a=b", "a b", "työ"])
def test_env_file_value_is_taken_literally(tmp_path: Path, value: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"ADMIN_PASSWORD={value}\nOTHER_PROGRAMS=1\n", encoding="utf-8")
    assert Environment(file, {"HOME": "/root"}).exact("ADMIN_PASSWORD") == value
    file.write_text(f"ADMIN_PASSWORD='{value}'\r\n", encoding="utf-8")
    assert Environment(file, {"HOME": "/root"}).exact("ADMIN_PASSWORD") == value


def test_environment_overrides_env_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("HOST=10.0.0.5\nPORT=8123\n")
    environment = Environment(file, {"PORT": ""})
    assert (environment.text("HOST"), environment.text("PORT")) == ("10.0.0.5", "")
    assert Environment(tmp_path / "none", {}).text("PORT") == ""


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (f"PORT=8000\nADMIN_PASSWORD {SECRET}\n", 2),
        (f"PORT=8000\n\n# x\nADMIN_PASSWORD='{SECRET}\n", 4),
        (f"{SECRET}\n", 1),
        (f"ADMIN_PASWORD={SECRET}\n", 1),
        (f"\nSITE_ULR=https://{SECRET}.fi\n", 2),
        ("site_url=https://example.fi\n", 1),
        ("ALLOWED_HOST=a.fi\n", 1),
    ],
)
def test_invalid_line_of_env_file_is_named(tmp_path: Path, content: str, number: int) -> None:
    file = tmp_path / ".env"
    file.write_text(content)
    with pytest.raises(SettingError, match=rf"^\.env: line {number} ") as refused:
        Environment(file, {})
    assert SECRET[:3] not in str(refused.value)


def test_unreadable_env_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes("ADMIN_PASSWORD=työ\n".encode("latin-1"))
    with pytest.raises(SettingError, match=r"^\.env: .*UTF-8"):
        Environment(file, {})
    with pytest.raises(SettingError, match=r"^\.env: .*can't be read"):
        Environment(tmp_path, {})
