"""The picture that an app of codes reads, and what a person types where it can't."""

from dataclasses import dataclass

from allauth.mfa.adapter import get_adapter
from django.utils.safestring import SafeString, mark_safe

from aijuu_site.accounts.models import User


@dataclass(frozen=True)
class QrCode:
    svg: SafeString
    # In groups of four, as apps show and take them.
    typed: str
    url: str


def qr_code(user: User, secret: str) -> QrCode:
    # Here, since it loads Pillow's fonts, which take 4 MiB and which nothing else needs.
    import qrcode
    from qrcode.image.svg import SvgPathImage

    url = get_adapter().build_totp_url(user, secret)
    picture: str = qrcode.make(url, image_factory=SvgPathImage, border=2).to_string(encoding="unicode")
    groups = [secret[start : start + 4] for start in range(0, len(secret), 4)]
    return QrCode(svg=mark_safe(picture), typed=" ".join(groups), url=url)  # noqa: S308 (made here, of squares)
