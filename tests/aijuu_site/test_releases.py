"""A release has a version, tag and notes, and its migrations allow an upgrade and a rollback."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

from tests.tools.release import own_apps

ROOT = Path(settings.BASE_DIR)
_MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("aijuu_site", "{after}")]
    operations = [migrations.{operation}]
"""
# Author and committer, so that git works on a machine where neither is configured.
_NAMES = {f"GIT_{who}_{what}": "a@esimerkki.fi" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
Git = Callable[..., str]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Clone this repository, including its uncommitted changes."""
    place = tmp_path / "checkout"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", "--no-tags", ROOT, place], check=True)
    changed = subprocess.run(["git", "diff", "--binary", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    if changed:
        subprocess.run(["git", "apply"], cwd=place, check=True, input=changed)
    return place


@pytest.fixture
def git(checkout: Path) -> Git:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=checkout, check=True, capture_output=True, text=True, env={**os.environ, **_NAMES}
        )
        return done.stdout.strip()

    run("commit", "--quiet", "--all", "--allow-empty", "--message", "What is changed here")
    return run


def release(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.tools.release", *arguments],
        cwd=checkout,
        env={**os.environ, **_NAMES, "DJANGO_SETTINGS_MODULE": "aijuu_site.settings.test"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_release_sets_version_tag_and_notes(checkout: Path, git: Git) -> None:
    assert release(checkout, "0.9").returncode
    assert release(checkout, "0.9.0").returncode == 0
    assert git("describe", "--tags") == "v0.9.0"
    assert git("status", "--porcelain") == ""
    assert 'version = "0.9.0"' in (checkout / "pyproject.toml").read_text()
    notes = (checkout / "CHANGELOG.md").read_text()
    assert f"## [Unreleased]\n\n## [0.9.0] - {date.today().isoformat()}\n\n### Added" in notes
    assert "Nothing has been released" not in notes
    assert "contact form" in git("tag", "--list", "--format", "%(contents)", "v0.9.0")
    # CHANGELOG.md has no unreleased notes.
    assert "CHANGELOG" in release(checkout, "0.9.1").stderr
    assert "not newer" in release(checkout, "0.8.0").stderr


def test_release_refuses_incompatible_or_edited_migrations(checkout: Path, git: Git) -> None:
    assert release(checkout).returncode == 0
    git("tag", "v0.9.0")
    folder = checkout / "aijuu_site" / "migrations"

    def add(name: str, *, after: str, operation: str) -> None:
        (folder / f"{name}.py").write_text(_MIGRATION.format(after=after, operation=operation))
        git("add", "--all")
        git("commit", "--quiet", "--message", name)

    add("0002_more", after="0001_initial", operation="AddField('pagechange', 'more', models.TextField(null=True))")
    assert release(checkout).returncode == 0
    add("0003_less", after="0002_more", operation="RemoveField('pagechange', 'more')")
    removed = release(checkout)
    assert removed.returncode == 1
    assert "0003_less" in removed.stdout
    git("reset", "--quiet", "--hard", "HEAD~1")
    first = folder / "0001_initial.py"
    first.write_text(f"{first.read_text()}# Edited.\n")
    edited = release(checkout)
    assert edited.returncode == 1
    assert "aijuu_site/migrations/0001_initial.py" in edited.stderr
    assert "never edit it" in edited.stderr


def test_every_migration_is_reversible() -> None:
    own = own_apps()
    migrations = [one for (label, _name), one in MigrationLoader(None).disk_migrations.items() if label in own]
    assert {one.app_label for one in migrations} > {"home", "intake"}
    for migration in migrations:
        for operation in migration.operations:
            assert operation.reversible, f"{migration}: {operation.describe()}"
