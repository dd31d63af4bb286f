"""Settings from the environment or from `.env` beside manage.py."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from django.core.exceptions import ImproperlyConfigured
from dotenv.parser import parse_stream

NAMES = (
    "PORT",
    "HOST",
    "DATA_DIR",
    "SECRET_KEY",
    "SITE_URL",
    "HSTS",
    "ALLOWED_HOSTS",
    "DATABASE_URL",
    "EMAIL_URL",
    "PROOF_EMAIL",
    "STORAGE_URL",
    "BACKUP_KEY",
    "BACKUP_TO",
    "ALERT_EMAIL",
    "ALERT_EMAIL_URL",
    "DKIM_SELECTOR",
    "DEFAULT_FROM_EMAIL",
    "ADMIN_EMAIL",
    "ADMIN_PASSWORD",
    "FORM_RATE_LIMIT",
    "TRUSTED_PROXIES",
    "WEB_PROCESSES",
    "LOG_FORMAT",
    "MONITORING_TOKEN",
)  # fmt: skip
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ADDRESS = re.compile(r"(?P<host>[\w.%-]*|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")
_ENCODE = "in user and password write %25 for %, %40 for @, %3A for :, %2F for /, %23 for #"


class SettingError(ImproperlyConfigured):
    """A setting is invalid. `reason` is printed in the terminal and must not contain the value."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")


class SettingErrors(SettingError):
    """Several settings are invalid, each on a line of its own."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        ImproperlyConfigured.__init__(self, "\n".join(f"{name}: {reason}" for name, reason in problems.items()))


class Environment:
    """The settings as text, from the process environment or else the .env file."""

    def __init__(self, env_file: Path, process: Mapping[str, str] = os.environ) -> None:
        given = {**dict(_read_file(env_file)), **process}
        self._values = {name: given.get(name, "") for name in NAMES}

    def text(self, name: str) -> str:
        """Return the stripped value of `name`; "" if it is not set."""
        return self._readable(name, self._values[name].strip())

    def exact(self, name: str) -> str:
        """Return the value of a secret with its spaces; "" if it is not set."""
        value = self._readable(name, self._values[name])
        return value if value.strip() else ""

    def choice(self, name: str, *words: str) -> str:
        """Return the value in lower case, which must be one of `words`; "" if it is not set."""
        value = self.text(name).lower()
        if value and value not in words:
            raise SettingError(name, f"write {' or '.join(words)}, or nothing.")
        return value

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
    """Return False for bytes that are not UTF-8, which Python decodes as lone surrogates."""
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
        # Other names may belong to another program; a name close to one of ours is a typing error.
        near = difflib.get_close_matches(line.key.upper(), NAMES, n=1, cutoff=0.8)
        if line.key not in NAMES and near:
            raise SettingError(".env", f"line {number} of {path} names no setting of this site; {near[0]} is one.")
        yield line.key, line.value


@dataclass(frozen=True)
class ServerUrl:
    """The parts of a URL, percent-decoded. `port` is 0 if none is given."""

    scheme: str
    user: str
    password: str
    host: str
    port: int
    path: str
    options: dict[str, str]

    @classmethod
    def read(cls, name: str, url: str, *, example: str) -> "ServerUrl":
        """Parse `url`. Everything before the last @ is user and password. Raises SettingError for `name`."""
        scheme, separator, rest = url.partition("://")
        if not separator:
            raise SettingError(name, f"it has no scheme://; {example}")
        login, _, server = rest.rpartition("@")
        user, _, password = login.partition(":")
        address, _, behind = server.partition("/")
        path, _, query = behind.partition("?")
        found = _ADDRESS.fullmatch(address)
        if not found or "#" in behind:
            raise SettingError(name, f"its server can't be understood; {example}; {_ENCODE}")
        port = found["port"]
        if port is not None and not 0 < int(port) < 65536:
            raise SettingError(name, f"its port is no number from 1 to 65535; {example}")
        return cls(
            scheme=scheme.lower(),
            user=_decoded(name, user),
            password=_decoded(name, password),
            host=_decoded(name, found["host"]).strip("[]"),
            port=int(port or 0),
            path=_decoded(name, path),
            options=dict(parse_qsl(query, keep_blank_values=True)),
        )


def _decoded(name: str, text: str) -> str:
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise SettingError(name, f"a percent-encoded sign in it is not UTF-8; {_ENCODE}") from error
    if CONTROL.search(decoded):
        raise SettingError(name, f"a percent-encoded sign in it is a control character; {_ENCODE}")
    return decoded
