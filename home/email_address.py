"""What an e-mail address is, read as people paste it: one rule for visitors, the practice itself and the mails.

An address is kept as it stands on the wire: an ASCII local part, and a domain in the A-labels of IDNA 2008. Python's
mail package and Django know IDNA 2003, which sends "faß.de" to "fass.de"; nothing is left for them to translate.
"""

import re
import unicodedata
from urllib.parse import unquote

import idna

from home.unseen_characters import is_unseen, narrowed, without_unseen

# RFC 5321, 4.5.3.1: octets of a local part, and of a path without its angle brackets.
_LONGEST_LOCAL_PART = 64
LONGEST_ADDRESS = 254
# Nothing that an address is pasted with is longer; what is goes unread.
_LONGEST_PASTED = 1000

# RFC 5322 dot-atom. A quoted local part is refused: nobody has one, and programs read it differently.
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
# RFC 2047: mail programs would decode it, and write to another mailbox.
_ENCODED_WORD = "=?"
# IANA, Special-Use Domain Names (RFC 2606, 6761, 6762, 7686, 8375, 9476), and ICANN's name for inner networks: kept for
# examples, for one machine or one house, or outside the DNS. No mail reaches them.
_WITHOUT_MAIL = frozenset({"localhost", "local", "internal", "invalid", "test", "example", "onion", "alt", "arpa"})

# "Maija Meikäläinen <maija@esimerkki.fi>", and as one mail program writes it: "Maija [mailto:maija@esimerkki.fi]".
_IN_BRACKETS = re.compile(r"([^<>\[\]]*)(?:<([^<>]*)>|\[(mailto:[^\[\]]*)\])", re.IGNORECASE)
_WRAPPED = re.compile(r"\((.*)\)|\"(.*)\"|'(.*)'|[”“„](.*)[”“]|[’‘](.*)[’‘]|«(.*)»|»(.*)»")
_JOINERS = "\u200c\u200d"


def address_as_sent(text: str) -> str:
    """The address that `text` names, as it stands on the wire. Raises ValueError where mail can't be sent to it.

    What is pasted along goes: `mailto:`, angle brackets with a name before them, a full stop or comma at the end, and
    what can't be seen. `address_as_sent` of what it returned is the same.
    """
    if len(text) > _LONGEST_PASTED:
        raise ValueError("too long for an address")
    # A sign that joins letters may be a letter's part in a domain; there IDNA decides.
    seen = "".join(one for one in text if one in _JOINERS or not is_unseen(one))
    local, at, domain = _unwrapped(narrowed(seen)).rpartition("@")
    local = without_unseen(local)
    if not at or _ENCODED_WORD in local or len(local) > _LONGEST_LOCAL_PART or not _LOCAL_PART.fullmatch(local):
        raise ValueError("no local part that mail can be sent to")
    address = f"{local}@{_domain_as_sent(domain)}"
    if len(address) > LONGEST_ADDRESS:
        raise ValueError("too long for an address")
    return address


def readable_address(sent: str) -> str:
    """An address of `address_as_sent` with its domain as people write it. What is none stays as it is."""
    local, at, domain = sent.rpartition("@")
    try:
        return f"{local}{at}{idna.decode(domain)}"
    except UnicodeError:
        return sent


def _unwrapped(text: str) -> str:
    """The bare address in what was pasted."""
    bare = text.strip().rstrip(".,;: \t\r\n\u00a0")
    if match := _IN_BRACKETS.fullmatch(bare):
        name, *addresses = match.groups()
        bare = next(one for one in addresses if one is not None)
        if "@" in name and name.strip("\"' ") != bare:
            raise ValueError("two addresses")
    elif match := _WRAPPED.fullmatch(bare):
        bare = next(part for part in match.groups() if part is not None)
    bare = bare.strip()
    if bare[:7].lower() == "mailto:":
        # RFC 6068: subject and the like follow the question mark; the address is percent-encoded.
        bare = unquote(bare[7:].partition("?")[0], errors="strict").strip()
    return bare.rstrip(".,;:")


def _domain_as_sent(domain: str) -> str:
    """A-labels of IDNA 2008 after the mapping of RFC 5895: lower case, plain widths, composed, one kind of dot."""
    # Letter by letter, as browsers do: in a whole word Python would choose another letter for a final sigma.
    mapped = "".join(one.lower() for one in domain).replace("\u3002", ".")
    joined = "".join(
        one for place, one in enumerate(mapped) if one not in _JOINERS or idna.valid_contextj(mapped, place)
    )
    try:
        sent = idna.encode(unicodedata.normalize("NFC", joined), strict=True).decode("ascii")
    except UnicodeError as error:
        raise ValueError("no domain of IDNA 2008") from error
    *_below, top = labels = sent.split(".")
    if len(labels) < 2 or len(top) < 2 or top.isdecimal() or top in _WITHOUT_MAIL:
        raise ValueError("no domain that mail can be sent to from anywhere")
    return sent
