"""The one place where settings come in: the process's environment, over the file `.env` beside manage.py.

An empty value means the default. A value is taken as it is written: nothing in it is expanded. What can't be understood
is a SettingError: one line that names the setting and says how to write it, and shows no part of any value.
"""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from dotenv.parser import parse_stream

NAMES = (
    "PORT",
    "HOST",
    "DATA_DIR",
    "SECRET_KEY",
    "SITE_URL",
    "ALLOWED_HOSTS",
    "DATABASE_URL",
    "EMAIL_URL",
    "DEFAULT_FROM_EMAIL",
    "ADMIN_EMAIL",
    "ADMIN_PASSWORD",
    "FORM_RATE_LIMIT",
    "TRUSTED_PROXIES",
)  # fmt: skip
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class SettingError(ImproperlyConfigured):
    """A setting that can't be understood. `reason` goes to the terminal: it never repeats a value."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")


class Environment:
    """The settings as text."""

    def __init__(self, env_file: Path, process: Mapping[str, str] = os.environ) -> None:
        given = {**dict(_read_file(env_file)), **process}
        self._values = {name: given.get(name, "") for name in NAMES}

    def text(self, name: str) -> str:
        """The value of `name` without space around it; empty where the default is meant."""
        return self._readable(name, self._values[name].strip())

    def exact(self, name: str) -> str:
        """The value of a secret, with any space that belongs to it; empty where the default is meant."""
        value = self._readable(name, self._values[name])
        return value if value.strip() else ""

    def _readable(self, name: str, value: str) -> str:
        if not _is_unicode(value):
            raise SettingError(name, "it is not UTF-8 text.")
        if CONTROL.search(value):
            raise SettingError(name, "it holds a line break or another control character; write it on one line.")
        return value

    def whole_number(self, name: str, *, default: int, lowest: int, highest: int) -> int:
        value = self.text(name)
        if not value:
            return default
        if not _WHOLE_NUMBER.fullmatch(value) or not lowest <= int(value) <= highest:
            raise SettingError(name, f"write a whole number from {lowest} to {highest}, as in {name}={default}")
        return int(value)


def _is_unicode(text: str) -> bool:
    """Tell whether the process was given UTF-8: Python carries other bytes as lone surrogates."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _read_file(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines = list(parse_stream(file))
    except FileNotFoundError:
        return
    except OSError as error:
        raise SettingError(".env", f"the file {path} can't be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise SettingError(".env", f"the file {path} is not UTF-8 text; save it as UTF-8.") from error
    for line in lines:
        number = line.original.line + len(line.original.string) - len(line.original.string.lstrip("\r\n"))
        if line.error or (line.key is not None and line.value is None):
            raise SettingError(".env", f"line {number} of {path} is not of the form NAME=value.")
        if line.key is None or line.value is None:
            continue
        # What is nobody's setting may belong to another program; what is nearly one of ours is a slip of the pen.
        near = difflib.get_close_matches(line.key.upper(), NAMES, n=1, cutoff=0.8)
        if line.key not in NAMES and near:
            raise SettingError(".env", f"line {number} of {path} names no setting of this site; {near[0]} is one.")
        yield line.key, line.value
