"""Validation of EMAIL_URL, DEFAULT_FROM_EMAIL and ADMIN_EMAIL."""

from email.utils import getaddresses
from typing import Any

from aijuu_site.settings.environment import ServerUrl, SettingError
from aijuu_site.settings.hosts import server_name
from home.email_address import address_as_sent, readable_address

# The word by which there is no nightly proof.
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
# Written out, it means files also where visitors write for real: to try a site out.
_FILES = "files:"
_EMAIL_URL = "write it as in EMAIL_URL=smtp+tls://user:password@mail.example.fi:587"


def email_settings(url: str) -> dict[str, Any]:
    """Return Django's EMAIL_* settings for `url`; the file backend for an empty one. Raises SettingError."""
    if url in ("", _FILES):
        return {"EMAIL_BACKEND": MAIL_FILES}
    server = ServerUrl.read("EMAIL_URL", url, example=_EMAIL_URL)
    if server.scheme not in _SCHEMES:
        raise SettingError(
            "EMAIL_URL", f"it must begin with {', '.join(f'{name}://' for name in _SCHEMES)}; {_EMAIL_URL}"
        )
    if not server.host:
        raise SettingError("EMAIL_URL", f"it names no server; {_EMAIL_URL}")
    try:
        host = server_name(server.host).strip("[]")
    except ValueError as error:
        raise SettingError("EMAIL_URL", f"its server is no host name; {_EMAIL_URL}") from error
    if server.path or server.options:
        raise SettingError("EMAIL_URL", f"nothing may stand behind the port; {_EMAIL_URL}")
    if bool(server.user) != bool(server.password):
        raise SettingError("EMAIL_URL", f"user and password go together; {_EMAIL_URL}")
    if not (server.user + server.password).isascii():
        raise SettingError("EMAIL_URL", "a mail server takes only ASCII letters and signs in user and password.")
    port, starttls, tls = _SCHEMES[server.scheme]
    return {
        "EMAIL_BACKEND": _SMTP,
        "EMAIL_HOST": host,
        "EMAIL_PORT": server.port or port,
        "EMAIL_HOST_USER": server.user,
        "EMAIL_HOST_PASSWORD": server.password,
        "EMAIL_USE_TLS": starttls,
        "EMAIL_USE_SSL": tls,
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
    """Return a bare address as SMTP takes it (home.email_address); "" for an invalid one."""
    try:
        sent = address_as_sent(text)
    except ValueError:
        return ""
    # Not with what address_as_sent() removes, such as a name or `mailto:`.
    return sent if text.casefold() in (sent.casefold(), readable_address(sent).casefold()) else ""
