"""Results of pure functions of the editors' texts, kept in the process. Never for what a visitor has typed."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

Result = TypeVar("Result")
# Some thousand texts stand on the whole site. Longer ones are rare, and would fill the memory.
_TEXTS = 2048
_LONGEST = 5000


def remembered(function: Callable[[str], Result]) -> Callable[[str], Result]:
    """Decorate a function whose result depends on its text alone and can't be changed."""
    # Typed: a text that is marked as safe has a result of its own.
    known = lru_cache(maxsize=_TEXTS, typed=True)(function)

    @wraps(function)
    def answer(text: str) -> Result:
        return known(text) if len(text) <= _LONGEST else function(text)

    return answer
