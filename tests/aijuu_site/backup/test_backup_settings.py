"""BACKUP_KEY, BACKUP_TO and the alert settings: valid values are used, invalid ones refused without showing them."""

from pathlib import Path
from typing import Any

import pyrage
import pytest

from aijuu_site.backup.work_folder import work_folder
from aijuu_site.metrics import metrics_folder
from aijuu_site.settings.data import OWN_FOLDERS
from aijuu_site.settings.environment import SettingError
from tests.aijuu_site.environments import ROOT, settings_with

pytestmark = pytest.mark.once

KEY = str(pyrage.x25519.Identity.generate().to_public())
MISTYPED = KEY[:-1] + ("p" if KEY.endswith("q") else "q")
OTHER = str(pyrage.x25519.Identity.generate().to_public())
SECRET = str(pyrage.x25519.Identity.generate())


def test_backup_key_accepts_several_keys(tmp_path: Path) -> None:
    assert settings_with(tmp_path, BACKUP_KEY=f"{KEY}, {OTHER}")["BACKUP_KEYS"] == [KEY, OTHER]
    assert settings_with(tmp_path)["BACKUP_KEYS"] == []


@pytest.mark.parametrize(
    "value",
    [SECRET, SECRET.lower(), f"{KEY},{SECRET}", KEY[:-1], MISTYPED, "x", "age1"],
    # Without the keys in the test ids: they differ in each process.
    ids=["secret", "secret in small letters", "one of two is secret", "cut off", "mistyped", "no key", "a beginning"],
)
def test_wrong_backup_key_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingError, match=r"^BACKUP_KEY: ") as caught:
        settings_with(tmp_path, BACKUP_KEY=value)
    assert SECRET not in str(caught.value)


def test_backup_destination(tmp_path: Path) -> None:
    assert settings_with(tmp_path)["BACKUP_TO"] == {"folder": tmp_path / "backups"}
    assert settings_with(tmp_path, BACKUP_TO="/mnt/backups")["BACKUP_TO"] == {"folder": Path("/mnt/backups")}
    bucket = settings_with(tmp_path, BACKUP_TO="s3://key:secret@s3.example.fi/backups?region=eu-north-1")["BACKUP_TO"]
    assert bucket["bucket"]["bucket_name"] == "backups"


@pytest.mark.parametrize(
    "value", [str(ROOT), str(ROOT / "docs"), "docs", "/", "s3://s3.example.fi/backups", "ftp://x/y", "s3://a:sala@b/C"]
)
def test_wrong_backup_destination_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingError, match=r"^BACKUP_TO: ") as caught:
        settings_with(tmp_path, BACKUP_TO=value)
    assert "sala" not in str(caught.value)


@pytest.mark.parametrize("behind", ["", "/backups", "/a/b"])
def test_backup_destination_that_is_a_file_is_refused(tmp_path: Path, behind: str) -> None:
    file = tmp_path / "backup.age"
    file.touch()
    with pytest.raises(SettingError, match=rf"^BACKUP_TO: {file} is no folder; "):
        settings_with(tmp_path / "data", BACKUP_TO=f"{file}{behind}")


def test_own_folders_lists_all_folders_in_data_dir(tmp_path: Path, settings: Any) -> None:
    found = settings_with(tmp_path)
    of_settings = {found["STATIC_ROOT"], found["MEDIA_ROOT"], found["MAIL_DIR"]}
    of_settings.add(Path(found["STORAGES"]["default"]["OPTIONS"]["location"]))
    settings.DATA_DIR = tmp_path
    own = {*of_settings, work_folder(), metrics_folder(), tmp_path / "static.earlier"}
    assert own == {tmp_path / name for name in OWN_FOLDERS}


@pytest.mark.parametrize("name", ["", *OWN_FOLDERS, "backup-work/x", "mail/../metrics"])
def test_backup_destination_in_own_folders_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingError, match=r"^BACKUP_TO: "):
        settings_with(tmp_path, BACKUP_TO=str(tmp_path / name))


def test_alert_settings(tmp_path: Path) -> None:
    found = settings_with(
        tmp_path,
        ALERT_EMAIL="a@example.fi, b@example.fi",
        ALERT_EMAIL_URL="smtp+tls://user:sala@mail.example.com",
        DKIM_SELECTOR="mail2026",
    )
    assert found["ALERT_EMAIL"] == ["a@example.fi", "b@example.fi"]
    assert found["ALERT_EMAIL_SERVER"] == {
        "backend": "django.core.mail.backends.smtp.EmailBackend",
        "host": "mail.example.com",
        "port": 587,
        "username": "user",
        "password": "sala",
        "use_tls": True,
        "use_ssl": False,
    }
    assert found["DKIM_SELECTOR"] == "mail2026"
    assert settings_with(tmp_path)["ALERT_EMAIL_SERVER"] == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALERT_EMAIL", "nobody"),
        ("ALERT_EMAIL", "a@example.fi, nobody"),
        ("ALERT_EMAIL_URL", "http://user:sala@example.fi"),
        ("ALERT_EMAIL_URL", "smtp://user@example.fi"),
        ("ALERT_EMAIL_URL", "smtp://user:sala@mail.example.fi"),
        ("DKIM_SELECTOR", "a b"),
        ("DKIM_SELECTOR", "*"),
    ],
)
def test_wrong_alert_setting_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingError, match=rf"^{name}: ") as caught:
        settings_with(tmp_path, **{name: value})
    assert "sala" not in str(caught.value)
