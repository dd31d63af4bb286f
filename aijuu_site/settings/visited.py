"""What a site that people visit (https in SITE_URL) needs, the names of its cookies, and who may look into it."""

import re
from collections.abc import Mapping
from typing import Any

from aijuu_site.settings.environment import SettingError, SettingErrors
from aijuu_site.settings.mail import PASSWORD_IN_THE_OPEN, sends_password_openly

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{24,200}")


def require_for_visitors(*, trusted_proxies: int, email_url: str, email: Mapping[str, Any]) -> None:
    """Raise SettingErrors, one line each, for what would go wrong without anybody noticing."""
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


def cookie_name(name: str, *, https: bool) -> str:
    """Return the name with the prefix by which browsers take a cookie from this host over https alone.

    Over http they would refuse it (RFC 6265bis, 4.1.3.2).
    """
    return f"__Host-{name}" if https else name


def monitoring_token(text: str) -> str:
    """Return the token of monitoring, or "". Raises SettingError for one that could be guessed or not be sent."""
    if text and not _TOKEN.fullmatch(text):
        raise SettingError("MONITORING_TOKEN", "it needs 24 random letters and digits or more, or nothing.")
    return text
