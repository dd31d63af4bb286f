"""Static files are collected once at the start, and no folder of somebody else's is emptied for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError
from django.test import override_settings

from aijuu_site.serving.preparation import (
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
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
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
def test_a_collection_that_was_cut_off_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = tmp_path / "static.stamp"
    fingerprint = static_fingerprint()
    collect_static_files(stamp, fingerprint)

    def cut_off(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("aijuu_site.serving.preparation.call_command", cut_off)
    with pytest.raises(KeyboardInterrupt):
        collect_static_files(stamp, fingerprint)
    assert not static_files_are_current(stamp, fingerprint)


@pytest.mark.usefixtures("static_source")
def test_static_files_that_somebody_removed_are_collected_again(tmp_path: Path) -> None:
    stamp = tmp_path / "static.stamp"
    collect_static_files(stamp, static_fingerprint())
    (tmp_path / "static" / "staticfiles.json").unlink()
    assert not static_files_are_current(stamp, static_fingerprint())


@pytest.mark.usefixtures("static_source")
def test_a_folder_of_somebody_elses_is_not_emptied(tmp_path: Path) -> None:
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
    # Moved as a whole it is ours still.
    collect_static_files(stamp, static_fingerprint())
    folder.unlink()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.jpg").write_text("mine")
    folder.symlink_to(tmp_path / "photos")
    with pytest.raises(CommandError, match="not made here"):
        collect_static_files(stamp, static_fingerprint())
    assert (tmp_path / "photos" / "mine.jpg").exists()


@pytest.mark.parametrize("place", ["source", "source/below", "", "link"])
def test_the_sources_are_never_emptied(static_source: Path, tmp_path: Path, place: str) -> None:
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
