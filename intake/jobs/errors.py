"""What a log may say of an error: its kind and its frames. Never its text, which can quote what a person wrote."""

import traceback
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent.parent


def describe(error: BaseException) -> str:
    """Return one line: the kind, the kinds it came from, and file:line:function of each frame, the innermost last."""
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
    """Return the path below the project or the packages: no log tells where a machine keeps its files."""
    _before, packages, inside = filename.rpartition("site-packages/")
    if packages:
        return inside
    path = Path(filename)
    return path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else path.name
