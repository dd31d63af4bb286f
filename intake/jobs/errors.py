"""Describing an error for the log. Imports nothing of Django, because logging is set up before Django."""

import traceback
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent.parent


def describe(error: BaseException) -> str:
    """Return one line for the log: error types, then file:line:function of each frame, the innermost last.

    The message of the error is left out: it may quote what a visitor typed.
    """
    kinds = [type(error).__name__]
    cause = error.__cause__ or error.__context__
    while cause is not None and len(kinds) < 5:
        kinds.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    frames = [
        f"{_short(frame.filename)}:{frame.lineno}:{frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    return f"{' from '.join(kinds)} at {' > '.join(frames) or 'unknown'}"


def _short(filename: str) -> str:
    """Return the path relative to the project or to site-packages, so that no log shows machine paths."""
    _before, packages, inside = filename.rpartition("site-packages/")
    if packages:
        return inside
    path = Path(filename)
    return path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else path.name
