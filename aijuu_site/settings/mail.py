"""Validation of EMAIL_URL and of the addresses in other settings, and of the mail settings that a public site needs."""

import re
from collections.abc import Mapping
from email.utils import getaddresses
from typing import Any

from aijuu_site.settings.environment import ServerUrl, SettingError, SettingErrors
from aijuu_site.settings.hosts import server_name
from home.text_input import address_as_sent, readable_address

# The value of PROOF_EMAIL that switches the nightly proof off.
NO_PROOF = "off"
MAIL_FILES = "aijuu_site.mail_files.MailFilesBackend"
_SMTP = "django.core.mail.backends.smtp.EmailBackend"
# scheme: default port, STARTTLS, implicit TLS
_SCHEMES = {
    "smtp": (25, False, False),
    "smtp+tls": (587, True, False),
    "smtp+ssl": (465, False, True),
    "smtps": (465, False, True),
}
# An explicit EMAIL_URL=files: writes mail to files even on a public site, to try it out.
_FILES = "files:"
PASSWORD_IN_THE_OPEN = "smtp:// would send the password readable over the network; write smtp+tls:// or smtp+ssl://."  # noqa: S105
_SELECTOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_EXAMPLE = "write it as in {}=smtp+tls://user:password@mail.example.fi:587"


def email_settings(url: str) -> dict[str, Any]:
    """Return Django's EMAIL_* settings for `url`; the file backend for an empty one. Raises SettingError."""
    if url in ("", _FILES):
        return {"EMAIL_BACKEND": MAIL_FILES}
    server = _smtp_server("EMAIL_URL", url)
    return {
        "EMAIL_BACKEND": _SMTP,
        "EMAIL_HOST": server["host"],
        "EMAIL_PORT": server["port"],
        "EMAIL_HOST_USER": server["username"],
        "EMAIL_HOST_PASSWORD": server["password"],
        "EMAIL_USE_TLS": server["use_tls"],
        "EMAIL_USE_SSL": server["use_ssl"],
    }


def alert_server(url: str) -> dict[str, Any]:
    """Return the arguments of get_connection() for the server of alerts; {} (the site's own) if `url` is empty."""
    if not url:
        return {}
    server = _smtp_server("ALERT_EMAIL_URL", url)
    if sends_password_openly(**server):
        raise SettingError("ALERT_EMAIL_URL", PASSWORD_IN_THE_OPEN)
    return {"backend": _SMTP, **server}


def sends_password_openly(*, host: str, password: str, use_tls: bool, use_ssl: bool, **_more: Any) -> bool:
    """Return whether others could read the password on its way. A host name without a dot is taken as local."""
    return bool(password) and not (use_tls or use_ssl) and "." in host and not host.startswith("127.")


def require_for_visitors(*, trusted_proxies: int, email_url: str, email: Mapping[str, Any]) -> None:
    """Raise SettingErrors, one line each, for wrong settings of a public site whose effects nobody would notice."""
    problems = {}
    if not trusted_proxies:
        problems["TRUSTED_PROXIES"] = "with https in SITE_URL a proxy stands in front; write 1 or more, or nothing."
    if not email_url:
        problems["EMAIL_URL"] = (
            "without a mail server nobody would get mail; write one as in "
            "EMAIL_URL=smtp+tls://user:password@mail.example.fi:587 (to try the site out, EMAIL_URL=files: makes files)"
        )
    elif "EMAIL_HOST" in email and sends_password_openly(
        host=email["EMAIL_HOST"],
        password=email["EMAIL_HOST_PASSWORD"],
        use_tls=email["EMAIL_USE_TLS"],
        use_ssl=email["EMAIL_USE_SSL"],
    ):
        problems["EMAIL_URL"] = PASSWORD_IN_THE_OPEN
    if problems:
        raise SettingErrors(problems)


def alert_addresses(text: str) -> list[str]:
    """Return the addresses in `text`, separated by commas. Raises SettingError."""
    addresses = [part.strip() for part in text.split(",") if part.strip()]
    sent = [_as_sent(address) for address in addresses]
    if not all(sent):
        raise SettingError("ALERT_EMAIL", "write e-mail addresses, as in ALERT_EMAIL=yllapito@example.fi")
    return sent


def dkim_selector(text: str) -> str:
    """Return the name of a DKIM key. Raises SettingError."""
    if text and not _SELECTOR.fullmatch(text):
        raise SettingError("DKIM_SELECTOR", "write the name before ._domainkey, as in DKIM_SELECTOR=mail2026")
    return text


def _smtp_server(name: str, url: str) -> dict[str, Any]:
    """Return the server that `url` names, as the arguments of Django's SMTP backend. Raises SettingError for `name`."""
    example = _EXAMPLE.format(name)
    server = ServerUrl.read(name, url, example=example)
    if server.scheme not in _SCHEMES:
        raise SettingError(name, f"it must begin with {', '.join(f'{one}://' for one in _SCHEMES)}; {example}")
    if not server.host:
        raise SettingError(name, f"it names no server; {example}")
    try:
        host = server_name(server.host).strip("[]")
    except ValueError as error:
        raise SettingError(name, f"its server is no host name; {example}") from error
    if server.path or server.options:
        raise SettingError(name, f"nothing may stand behind the port; {example}")
    if bool(server.user) != bool(server.password):
        raise SettingError(name, f"user and password go together; {example}")
    if not (server.user + server.password).isascii():
        raise SettingError(name, "a mail server takes only ASCII letters and signs in user and password.")
    port, starttls, tls = _SCHEMES[server.scheme]
    return {
        "host": host,
        "port": server.port or port,
        "username": server.user,
        "password": server.password,
        "use_tls": starttls,
        "use_ssl": tls,
    }


def sender(text: str) -> str:
    """Return the sender of all mail: one address, with or without a name. Raises SettingError."""
    found = getaddresses([text])
    address = found[0][1] if len(found) == 1 else ""
    sent = _as_sent(address)
    if not sent or not (text == address or text.endswith(f"<{address}>")):
        raise SettingError(
            "DEFAULT_FROM_EMAIL",
            "write one address, or name and address as in DEFAULT_FROM_EMAIL=Aijuu työnohjaus <kati@example.fi>; "
            'a name with a comma stands in "…"',
        )
    name = "" if text == address else text.removesuffix(f"<{address}>")
    return f"{name}<{sent}>" if name else sent


def admin_email(text: str) -> str:
    """Return the address of the first account as the account form stores it. Raises SettingError."""
    address = readable_address(_as_sent(text))
    if not address:
        raise SettingError("ADMIN_EMAIL", "write one e-mail address and no more, as in ADMIN_EMAIL=kati@example.fi")
    return address


def proof_email(text: str) -> str:
    """Return where the mails of the nightly proof go: an address, "" for the supervisor's, or "off"."""
    if text.lower() in ("", NO_PROOF):
        return text.lower()
    address = _as_sent(text)
    if not address:
        raise SettingError("PROOF_EMAIL", "write one e-mail address, as in PROOF_EMAIL=koe@example.fi, or off")
    return address


def _as_sent(text: str) -> str:
    """Return a bare address as SMTP needs it (home.text_input); "" for an invalid one."""
    try:
        sent = address_as_sent(text)
    except ValueError:
        return ""
    # Refuse a text from which address_as_sent() removes something, such as a name or `mailto:`.
    return sent if text.casefold() in (sent.casefold(), readable_address(sent).casefold()) else ""
