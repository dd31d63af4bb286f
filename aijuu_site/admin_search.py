"""The search of the admin: Wagtail's own, whatever is typed."""

from collections.abc import Iterator
from typing import Any

from modelsearch.backends import database
from modelsearch.query import And, Or, Phrase, PlainText, SearchQuery

# Each word, and each phrase in quotation marks, is a level of a nested expression; nobody looks for more.
_MOST_WORDS = 20
_LONGEST_WORD = 100


class _HarmlessTerms:
    def _search(self, query_compiler_class: Any, query: str | SearchQuery, *args: Any, **kwargs: Any) -> Any:
        return super()._search(query_compiler_class, _harmless(query), *args, **kwargs)  # type: ignore[misc]


def SearchBackend(params: dict[str, Any]) -> Any:
    """Return Wagtail's backend for the site's database, with terms that it can take."""
    own = type(database.SearchBackend(params))
    return type("SearchBackend", (_HarmlessTerms, own), {})(params)


def _harmless(query: str | SearchQuery) -> str | SearchQuery:
    """Return the query without what breaks SQLite's or PostgreSQL's; "", which finds nothing, where nothing is left."""
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
    """Yield what the query combines, that of equal queries within it included."""
    for one in query.subqueries:
        if isinstance(one, type(query)):
            yield from _operands(one)
        else:
            yield one


def _harmless_text(text: str) -> str:
    """Return the words of `text` that the index can hold, so many and so long at most.

    SQLite ends a term at a quotation mark, and a sign by itself finds nothing in its index.
    """
    spaced = "".join(sign if sign.isprintable() and sign != '"' else " " for sign in text)
    words = [word[:_LONGEST_WORD] for word in spaced.split() if any(map(str.isalnum, word))]
    return " ".join(words[:_MOST_WORDS])
