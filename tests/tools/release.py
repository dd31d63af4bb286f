"""`make release VERSION=1.2.0` makes a release; `make check` checks the migrations against the last one."""

import argparse
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent.parent
_VERSION = re.compile(r'^version = "(\d+)\.(\d+)\.(\d+)"$', re.MULTILINE)
_UNRELEASED = "## [Unreleased]\n"
_NEVER_YET = " Nothing has been released yet."


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def last_release() -> str | None:
    """Return the tag of the newest release before this commit; None if there is none."""
    tags = _git("tag", "--merged", "HEAD", "--list", "v[0-9]*", "--sort", "-version:refname").split()
    return tags[0] if tags else None


def own_apps() -> list[str]:
    """Return the labels of the apps of this project."""
    from django.apps import apps

    return [app.label for app in apps.get_app_configs() if Path(app.path).is_relative_to(ROOT / app.name.split(".")[0])]


def problems_since(tag: str) -> list[str]:
    """Return what would make an upgrade from the release `tag`, or a rollback to it, unsafe."""
    changed = _git("diff", "--name-only", "--no-renames", "--diff-filter=MD", tag, "--", "*/migrations/*.py")
    found = [f"{name} was released in {tag}: never edit it, add another one" for name in changed.split()]
    from django_migration_linter import MigrationLinter

    linter = MigrationLinter(
        path=str(ROOT), include_apps=own_apps(), no_cache=True, analyser_string="sqlite", ignore_initial_migrations=True
    )
    linter.lint_all_migrations(git_commit_id=tag)
    if linter.has_errors:
        found.append(f"a migration that {tag} could not run with: see above")
    return found


def check() -> int:
    tag = last_release()
    if tag is None:
        return 0
    django.setup()
    for problem in (problems := problems_since(tag)):
        print(problem, file=sys.stderr)
    return int(bool(problems))


def release(version: str) -> None:
    """Turn the changelog's *Unreleased* section into this version, commit and tag it. Raises SystemExit on errors."""
    project, changelog = ROOT / "pyproject.toml", ROOT / "CHANGELOG.md"
    wanted = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", version)
    now = _VERSION.search(project.read_text())
    assert now is not None
    tag, before = f"v{version}", last_release()
    notes = changelog.read_text().partition(_UNRELEASED)[2].partition("\n## [")[0]
    if wanted is None:
        raise SystemExit(f"{version!r} is no version: write it as in 1.2.0.")
    if before and tuple(map(int, wanted.groups())) <= tuple(map(int, before[1:].split("."))):
        raise SystemExit(f"{version} is not newer than {before}.")
    if not notes.strip():
        raise SystemExit("CHANGELOG.md says nothing under [Unreleased].")
    if _git("status", "--porcelain"):
        raise SystemExit("There are changes that are not committed.")
    project.write_text(_VERSION.sub(f'version = "{version}"', project.read_text(), count=1))
    heading = f"{_UNRELEASED}\n## [{version}] - {date.today().isoformat()}\n"
    changelog.write_text(changelog.read_text().replace(_NEVER_YET, "").replace(_UNRELEASED, heading, 1))
    _git("commit", "--quiet", "--all", "--message", f"Release {version}")
    _git("tag", "--annotate", tag, "--message", f"Release {version}\n{notes}")
    print(f"{tag} is tagged. To publish it: git push --follow-tags")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", nargs="?", help="as in 1.2.0; without it the migrations are checked")
    version = parser.parse_args().version
    if version is None:
        return check()
    release(version)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aijuu_site.settings.test")
    sys.exit(main())
