"""The documents name only existing files, commands, make targets and tables, and they list every periodic job."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands

from intake.jobs.runner import registered_jobs

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
_OF_THE_PROJECT = re.compile(r"(?<![\w/])(?:aijuu_site|home|intake|templates|tests|docs)/[\w./*-]*")


def in_backticks() -> Iterator[tuple[str, str]]:
    """Yield each text in backticks with the name of its document."""
    for document in DOCUMENTS:
        for text in re.findall(r"`([^`\n]+)`", document.read_text(encoding="utf-8")):
            yield document.name, text


def test_documents_name_existing_files() -> None:
    named = [(document, path) for document, text in in_backticks() for path in _OF_THE_PROJECT.findall(text)]
    assert len(named) > 100
    assert [(document, path) for document, path in named if not list(ROOT.glob(path.rstrip("/.")))] == []


def test_links_between_documents_have_targets() -> None:
    linked = [
        (document, target)
        for document in DOCUMENTS
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8"))
    ]
    assert linked
    assert [(document.name, target) for document, target in linked if not (document.parent / target).exists()] == []


def test_documents_name_existing_commands() -> None:
    named = {name for _document, text in in_backticks() for name in re.findall(r"manage\.py ([a-z_]+)", text)}
    assert {"serve", "work"} <= named
    assert named <= set(get_commands())


def test_documents_name_existing_make_targets() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {name for _document, text in in_backticks() for name in re.findall(r"\bmake ([a-z-]+)", text)}
    assert {"run", "test"} <= named
    assert named <= targets


def test_operations_names_every_periodic_job() -> None:
    table = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("## What runs by the clock")[2]
    rows = re.findall(r"^\| (`[^|]+) \|", table.partition("\n## ")[0], flags=re.MULTILINE)
    named = sorted(name for row in rows for name in re.findall(r"`([a-z_]+)`", row))
    assert named == sorted(job.name for job in registered_jobs())


def test_privacy_names_existing_tables() -> None:
    text = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:intake|accounts)_[a-z]+)`", text))
    assert "intake_enquiry" in named
    assert named <= {model._meta.db_table for model in apps.get_models()}
