"""Every environment variable is read somewhere, listed in .env.example, and has a row in the README's table."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent.parent


def read_in_code() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "aijuu_site").rglob("*.py"):
        # The tests' own switch is no configuration of the site.
        if path.name != "test.py":
            code = path.read_text(encoding="utf-8")
            found |= set(re.findall(r"""\b(?:env|Env\(\))\.\w+\(\s*"([A-Z_]+)\"""", code))
    return found


def test_the_example_file_names_what_the_code_reads() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    named = {match[1] for line in lines if (match := re.match(r"#?([A-Z_]+)=", line))}
    assert named == read_in_code()


def test_the_example_file_changes_nothing_when_it_is_copied() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_the_readmes_table_has_a_row_for_each() -> None:
    table = re.findall(r"^\|\s*`([A-Z_]+)`", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(table) == len(set(table))
    assert set(table) == read_in_code()


def test_the_readme_names_only_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert {"run", "test"} <= named <= targets
