"""The plain text of a mail, as every mail program shows it well."""

import re

from home.typography import WORD_JOINER

_BLANK_LINES = re.compile(r"\n{3,}")


def plain_text(rendered: str) -> str:
    """Return what a template rendered, without trailing spaces and with at most one blank line in a row.

    The tags of a template leave empty lines behind, and typography for HTML a character that some programs show.
    """
    rendered = rendered.replace(WORD_JOINER, "")
    lines = (line.rstrip() for line in rendered.strip().split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)) + "\n"
