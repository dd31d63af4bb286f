"""Validation of SITE_URL, ALLOWED_HOSTS, HOST and MONITORING_TOKEN, and the host names of the site."""

import ipaddress
import os
import re
from functools import cache
from urllib.parse import urlsplit

import idna

from aijuu_site.settings.environment import SettingError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{24,200}")
_SITE_URL = "write scheme and host name, no more, as in SITE_URL=https://www.example.fi"


def host_name(text: str) -> str:
    """Return a host as in a Host header: lower case, ASCII, IPv6 in brackets. Raises ValueError."""
    bare = text.removeprefix("[").removesuffix("]") if ":" in text else text
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        name = bare.removesuffix(".")
        # The errors of idna are ValueErrors, too.
        name = name.lower() if name.isascii() else idna.encode(name, uts46=True).decode("ascii")
        labels = name.split(".")
        if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
            raise ValueError("no host name") from None
        return name
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.scope_id:
        raise ValueError("an address with a zone is no name of a site")
    return f"[{address}]"


def server_name(text: str) -> str:
    """Return the host name of another server, like host_name(). Internal names (Docker) may contain an underscore."""
    if "_" in text:
        host_name(text.replace("_", "-"))
        return text
    return host_name(text)


def site_url(text: str, *, port: int) -> str:
    """Return the URL without a trailing slash; this machine at `port` for an empty text. Raises SettingError."""
    if not text:
        return f"http://127.0.0.1:{port}"
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _DEFAULT_PORTS:
        raise SettingError("SITE_URL", f"it must begin with https:// or http://; {_SITE_URL}")
    try:
        parts = urlsplit(f"{scheme}://{rest.rstrip('/')}")
        chosen = parts.port
        name = host_name(parts.hostname or "")
    except ValueError as error:
        raise SettingError("SITE_URL", f"its host name or port is none; {_SITE_URL}") from error
    if parts.path or "@" in rest or "?" in rest or "#" in rest:
        raise SettingError("SITE_URL", f"it has more than scheme, host name and port; {_SITE_URL}")
    if chosen == 0 or parts.netloc.endswith(":"):
        raise SettingError("SITE_URL", f"its port is none; {_SITE_URL}")
    return f"{scheme}://{name}" + ("" if chosen in (None, _DEFAULT_PORTS[scheme]) else f":{chosen}")


# Cached, because every request calls it with SITE_URL.
@cache
def site_host(url: str) -> str:
    """Return the host name of `url` as in a Host header, without the port."""
    name = urlsplit(url).hostname or ""
    return f"[{name}]" if ":" in name else name


def has_host_name(url: str) -> bool:
    """Return whether the host of `url` is a name and not an IP address."""
    try:
        ipaddress.ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return True
    return False


@cache
def www_variant(host: str) -> str | None:
    """Return the host with www. added or removed; None for a host without such a variant."""
    if host in LOOPBACK or host.startswith("[") or "." not in host or host.rpartition(".")[2].isdigit():
        return None
    bare = host.removeprefix("www.")
    return bare if bare != host and "." in bare else f"www.{host}" if bare == host else None


def allowed_hosts(text: str, *, url: str) -> list[str]:
    """Return the hosts in `text`, of the site with and without www., and of this machine. Raises SettingError."""
    names = [site_host(url), www_variant(site_host(url)), *LOOPBACK]
    for entry in text.replace(",", " ").split():
        # A leading dot includes all subdomains.
        below = "." if entry.startswith(".") else ""
        try:
            name = host_name(entry.removeprefix("."))
            if below and "." not in name:
                raise ValueError("everybody's names, such as all of .fi")
            names.append(below + name)
        except ValueError as error:
            raise SettingError(
                "ALLOWED_HOSTS",
                "write host names without scheme, port and *, with commas between, as in "
                "ALLOWED_HOSTS=www.example.fi,example.fi",
            ) from error
    return list(dict.fromkeys(name for name in names if name))


def listening_host(text: str) -> str:
    """Return the address to listen on; loopback for an empty text. IPv6 without brackets. Raises SettingError."""
    try:
        return host_name(text or LOOPBACK[0]).strip("[]")
    except ValueError as error:
        raise SettingError("HOST", "write an address of this machine without a port, as in HOST=127.0.0.1") from error


def reachable_host(host: str) -> str:
    """Return the local address of a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cookie_name(name: str, *, https: bool) -> str:
    """Return the name, under https with a prefix: browsers then accept the cookie only from this host over https.

    Over http they would refuse a cookie with the prefix (RFC 6265bis, 4.1.3.2).
    """
    return f"__Host-{name}" if https else name


def monitoring_token(text: str) -> str:
    """Return the token of monitoring, or "". Raises SettingError if it could be guessed or does not fit a header."""
    if text and not _TOKEN.fullmatch(text):
        raise SettingError("MONITORING_TOKEN", "it needs 24 random letters and digits or more, or nothing.")
    return text
