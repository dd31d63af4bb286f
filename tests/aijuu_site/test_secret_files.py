"""The secrets that an installation generates, and the permissions of the files that its commands write."""

import multiprocessing
import os
import sqlite3
from pathlib import Path

import pytest

import manage
from aijuu_site.settings.data import load_or_create_secret

pytestmark = pytest.mark.once


def _ask(path: Path, answers: "multiprocessing.Queue[str]", together: "multiprocessing.synchronize.Barrier") -> None:
    together.wait(30)
    answers.put(load_or_create_secret(path))


def test_concurrent_processes_share_one_secret(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[str] = context.Queue()
    together = context.Barrier(4)
    path = tmp_path / "data" / "secret_key"
    processes = [context.Process(target=_ask, args=(path, answers, together)) for _ in range(4)]
    for process in processes:
        process.start()
    secrets = {answers.get(timeout=60) for _ in processes}
    for process in processes:
        process.join()
    assert len(secrets) == 1
    assert secrets == {path.read_text().strip()}
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]


def test_secret_file_is_readable_by_owner_alone(tmp_path: Path) -> None:
    load_or_create_secret(tmp_path / "secret_key")
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_generated_secrets_differ(tmp_path: Path) -> None:
    assert load_or_create_secret(tmp_path / "a") != load_or_create_secret(tmp_path / "b")


def test_secret_file_in_unwritable_folder_raises_oserror(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        load_or_create_secret(tmp_path / "file" / "secret_key")


def test_manage_py_writes_files_for_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This holds for commands run manually with a login shell's umask, too."""

    def write(_arguments: list[str]) -> None:
        sqlite3.connect(tmp_path / "db.sqlite3").execute("CREATE TABLE a (b)").connection.close()
        (tmp_path / "upload").touch()

    monkeypatch.setattr("django.core.management.execute_from_command_line", write)
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    before = os.umask(0o022)
    try:
        manage.main()
    finally:
        os.umask(before)
    made = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    assert made == {"db.sqlite3": 0, "upload": 0}
