"""Static files are collected at the start when they have changed, and no foreign folder is ever emptied for them."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest
from django.conf import settings
from django.core.management import CommandError
from django.test import override_settings
from whitenoise.compress import Compressor

from aijuu_site.static_files import (
    collect_static_files,
    prepare_static_files,
    static_files_are_current,
    static_fingerprint,
)


@pytest.fixture
def static_source(tmp_path: Path) -> Iterator[Path]:
    source = tmp_path / "source"
    source.mkdir()
    (source / "site.css").write_text("body{color:red}")
    storages = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "aijuu_site.static_files.StaticFilesStorage"},
    }
    with override_settings(
        STATICFILES_DIRS=[source],
        STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
        STATIC_ROOT=tmp_path / "static",
        STORAGES=storages,
    ):
        yield source


def test_static_files_are_collected_once_until_something_changes(static_source: Path, tmp_path: Path) -> None:
    stamp = tmp_path / "static.stamp"
    first = static_fingerprint()
    assert not static_files_are_current(stamp, first)
    collect_static_files(stamp, first)
    assert static_files_are_current(stamp, static_fingerprint())
    assert list((tmp_path / "static").glob("site.*.css"))

    (static_source / "site.css").write_text("body{color:tan}")
    assert not static_files_are_current(stamp, static_fingerprint())
    (static_source / "site.css").write_text("body{color:red}")
    assert static_files_are_current(stamp, static_fingerprint())
    (static_source / "site.css").rename(static_source / "page.css")
    assert not static_files_are_current(stamp, static_fingerprint())


@pytest.mark.usefixtures("static_source")
def test_interrupted_collection_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = tmp_path / "static.stamp"
    fingerprint = static_fingerprint()
    collect_static_files(stamp, fingerprint)

    def cut_off(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("aijuu_site.static_files.call_command", cut_off)
    with pytest.raises(KeyboardInterrupt):
        collect_static_files(stamp, fingerprint)
    assert not static_files_are_current(stamp, fingerprint)


def test_file_with_two_names_is_compressed_once(
    static_source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {f"{number}.js": f"// {number}\n" * 2000 for number in range(8)}
    for name, content in contents.items():
        (static_source / name).write_text(content)
    compressed: list[bytes] = []

    def compress(data: bytes) -> bytes:
        compressed.append(data)
        # This gives the other thread time to reach the same content.
        time.sleep(0.01)
        return brotli.compress(data)

    monkeypatch.setattr(Compressor, "compress_brotli", staticmethod(compress))
    collect_static_files(tmp_path / "static.stamp", static_fingerprint())
    written = list((tmp_path / "static").glob("*.js.br"))
    assert len(written) == len(list((tmp_path / "static").glob("*.js.gz"))) == 16
    for path in written:
        assert brotli.decompress(path.read_bytes()) == path.with_suffix("").read_bytes()
    assert sorted(data.decode() for data in compressed if data.startswith(b"//")) == sorted(contents.values())


def names_of(folder: Path, pattern: str = "site.*.css*") -> set[str]:
    return {path.name for path in folder.glob(pattern)}


@pytest.mark.parametrize("is_cut_off", [False, True])
def test_files_of_previous_release_are_kept(
    static_source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_cut_off: bool
) -> None:
    """The hashed files of the previous release stay for its open pages; those of earlier releases are deleted."""
    stamp, folder = tmp_path / "static.stamp", tmp_path / "static"
    names: list[set[str]] = []

    def cut_off(*_arguments: object, **_options: object) -> None:
        shutil.rmtree(folder)
        raise KeyboardInterrupt

    for colour in ("red", "tan", "sky"):
        # Long enough that it is compressed.
        (static_source / "site.css").write_text(f"body{{color:{colour}}}" * 100)
        before = names_of(folder)
        if is_cut_off and before:
            with monkeypatch.context() as patch:
                patch.setattr("aijuu_site.static_files.call_command", cut_off)
                with pytest.raises(KeyboardInterrupt):
                    collect_static_files(stamp, static_fingerprint())
        collect_static_files(stamp, static_fingerprint())
        names.append(names_of(folder) - before)
        assert len(names[-1]) == 3
    assert names_of(folder) == names[1] | names[2]
    assert not (tmp_path / "static.earlier").exists()


def test_release_takes_static_files_of_another(tmp_path: Path) -> None:
    """deploy/install.sh does so. Files of an incompletely built release are not taken."""
    other, release, broken = (tmp_path / name for name in ("other", "release", "broken"))
    for folder, paths in (
        (other, ["a.1.css", "b.1.css", "c/d.1.js"]),
        (release, ["a.1.css", "b.2.css"]),
        (broken, ["x.css"]),
    ):
        for path in paths:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(folder.name)
        (folder / "staticfiles.json").write_text(json.dumps({"paths": {path: path for path in paths}}))
    (other / "b.1.css.br").touch()
    (other / "kept.0.css").touch()
    (broken / "staticfiles.json").unlink()
    for source in (other, broken):
        command = [sys.executable, "-m", "aijuu_site.static_files", str(source), str(release)]
        subprocess.run(command, cwd=settings.BASE_DIR, check=True)
    assert (release / "a.1.css").read_text() == "release"
    assert names_of(release, "**/*.*") == {"a.1.css", "b.1.css", "b.1.css.br", "b.2.css", "d.1.js", "staticfiles.json"}


@pytest.mark.usefixtures("static_source")
def test_removed_static_files_are_collected_again(tmp_path: Path) -> None:
    stamp = tmp_path / "static.stamp"
    collect_static_files(stamp, static_fingerprint())
    (tmp_path / "static" / "staticfiles.json").unlink()
    assert not static_files_are_current(stamp, static_fingerprint())


@pytest.mark.usefixtures("static_source")
def test_foreign_static_root_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="not made here"):
        collect_static_files(tmp_path / "static.stamp", static_fingerprint())
    assert (tmp_path / "static" / "mine.txt").read_text() == "mine"


@pytest.mark.usefixtures("static_source")
def test_symlinked_static_root_is_not_emptied(tmp_path: Path) -> None:
    stamp, folder = tmp_path / "static.stamp", tmp_path / "static"
    collect_static_files(stamp, static_fingerprint())
    folder.rename(tmp_path / "www")
    folder.symlink_to(tmp_path / "www")
    # The folder is recognised as our own after it was moved.
    collect_static_files(stamp, static_fingerprint())
    folder.unlink()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.jpg").write_text("mine")
    folder.symlink_to(tmp_path / "photos")
    with pytest.raises(CommandError, match="not made here"):
        collect_static_files(stamp, static_fingerprint())
    assert (tmp_path / "photos" / "mine.jpg").exists()


@pytest.mark.parametrize("place", ["source", "source/below", "", "link"])
def test_static_source_folders_are_never_emptied(static_source: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "link").symlink_to(static_source)
    stamp = tmp_path / "static.stamp"
    stamp.write_text("made here, it says")
    with override_settings(STATIC_ROOT=tmp_path / place), pytest.raises(CommandError, match="not made here"):
        collect_static_files(stamp, "fingerprint")
    assert (static_source / "site.css").read_text() == "body{color:red}"


def test_built_release_collects_nothing(tmp_path: Path) -> None:
    with override_settings(STATIC_ROOT=tmp_path, BUILT_STATIC=tmp_path, DATA_DIR=tmp_path / "data"):
        with pytest.raises(CommandError, match="not built to its end"):
            prepare_static_files(print)
        (tmp_path / "staticfiles.json").write_text("{}")
        prepare_static_files(print)
        assert [path.name for path in tmp_path.iterdir()] == ["staticfiles.json"]
