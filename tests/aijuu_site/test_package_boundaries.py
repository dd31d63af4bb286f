"""No file of an app mentions an app of a higher layer. `make check` checks the import contracts."""

import io
import re
import tokenize
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent.parent


def without_comments(path: Path) -> str:
    """Return the file's text without Python comments, which may explain higher layers."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return " ".join(token.string for token in tokens if token.type != tokenize.COMMENT)


@pytest.mark.parametrize(
    ("app", "unknown"), [("home", ("intake", "aijuu_site")), ("intake", ("aijuu_site",))], ids=["home", "intake"]
)
def test_app_does_not_mention_higher_layers(app: str, unknown: tuple[str, ...]) -> None:
    files = [*(ROOT / app).rglob("*.py"), *(ROOT / "templates" / app).rglob("*.html")]
    assert files
    named = re.compile(rf"\b({'|'.join(unknown)})\b")
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}" for path in files if (match := named.search(without_comments(path)))
    ]
    assert found == []
