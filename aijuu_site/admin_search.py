"""The search of the admin: Wagtail's own, made safe for any search terms."""

from collections.abc import Iterator
from typing import Any

from modelsearch.backends import database
from modelsearch.query import And, Or, Phrase, PlainText, SearchQuery

# Each word and each quoted phrase adds a level to a nested expression, which gets slow; nobody searches for more.
_MOST_WORDS = 20
_LONGEST_WORD = 100


class _HarmlessTerms:
    def _search(self, query_compiler_class: Any, query: str | SearchQuery, *args: Any, **kwargs: Any) -> Any:
        return super()._search(query_compiler_class, _harmless(query), *args, **kwargs)  # type: ignore[misc]


def SearchBackend(params: dict[str, Any]) -> Any:
    """Return Wagtail's search backend for the site's database, with its search terms made harmless."""
    own = type(database.SearchBackend(params))
    return type("SearchBackend", (_HarmlessTerms, own), {})(params)


def _harmless(query: str | SearchQuery) -> str | SearchQuery:
    """Return the query without parts that SQLite or PostgreSQL fail on; "", which finds nothing, if none is left."""
    if isinstance(query, str):
        return _harmless_text(query)
    if isinstance(query, PlainText):
        text = _harmless_text(query.query_string)
        return PlainText(text, operator=query.operator, boost=query.boost) if text else ""
    if isinstance(query, Phrase):
        text = _harmless_text(query.query_string)
        return Phrase(text) if text else ""
    if isinstance(query, And | Or):
        parts = [part for part in map(_harmless, _operands(query)) if part]
        return type(query)(parts[:_MOST_WORDS]) if parts else ""
    return query


def _operands(query: And | Or) -> Iterator[SearchQuery]:
    """Yield the operands of the query; a nested query of the same type is replaced by its own operands."""
    for one in query.subqueries:
        if isinstance(one, type(query)):
            yield from _operands(one)
        else:
            yield one


def _harmless_text(text: str) -> str:
    """Return at most _MOST_WORDS words of `text`, each cut to _LONGEST_WORD.

    SQLite ends a term at a quotation mark, and its index has no words without a letter or digit.
    """
    spaced = "".join(sign if sign.isprintable() and sign != '"' else " " for sign in text)
    words = [word[:_LONGEST_WORD] for word in spaced.split() if any(map(str.isalnum, word))]
    return " ".join(words[:_MOST_WORDS])
