"""The arrows between the rooms point one way, also where no import shows it."""

import re
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent.parent


def test_imports_follow_the_arrows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0


@pytest.mark.parametrize(
    ("room", "unknown"), [("home", ("intake", "aijuu_site")), ("intake", ("aijuu_site",))], ids=["home", "intake"]
)
def test_a_room_names_no_room_above_it(room: str, unknown: tuple[str, ...]) -> None:
    files = [*(ROOT / room).rglob("*.py"), *(ROOT / "templates" / room).rglob("*.html")]
    assert files
    named = re.compile(rf"\b({'|'.join(unknown)})\b")
    found = [f"{path.relative_to(ROOT)}: {match[0]}" for path in files if (match := named.search(path.read_text()))]
    assert found == []
