"""`scheme://user:password@host:port/path?options`, as EMAIL_URL and DATABASE_URL are written."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from aijuu_site.settings.environment import CONTROL, SettingError

_ADDRESS = re.compile(r"(?P<host>[\w.%-]*|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")
_ENCODE = "in user and password write %25 for %, %40 for @, %3A for :, %2F for /, %23 for #"


@dataclass(frozen=True)
class ServerUrl:
    """The parts, percent-decoded. `port` is 0 where none is given."""

    scheme: str
    user: str
    password: str
    host: str
    port: int
    path: str
    options: dict[str, str]

    @classmethod
    def read(cls, name: str, url: str, *, example: str) -> "ServerUrl":
        """Take `url` apart. What stands before the last @ is user and password, whatever signs are in them.

        Raises SettingError for the setting `name`.
        """
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
