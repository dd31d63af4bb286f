"""Phone numbers: parsing, formatting, and tel: links."""

import re
import unicodedata

import phonenumbers

from home.invisible_characters import normalize_pasted

HOME_REGION = "FI"
_FINLAND = 358

# A label before the number, as on cards and in signatures.
_LABEL = re.compile(r"^(?:(?:puh(?:elin(?:numero)?)?|p|tel|gsm|matk(?:apuhelin)?|mob(?:ile)?)[.:]*\s*)+", re.I)
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_AREA_CODE = re.compile(r"^(\(?0\d{1,3}\)?)\s?/\s?(?=\d)")
_ONE_NUMBER = re.compile(r"\(?\+?[\d\s().-]+")
# "1234-5" and "1234567–68" are ranges; "1234567 (8)" has an extension.
_RANGE = re.compile(r"(?:\d{4}\s?-\s?\d{1,2}|-\s?\d)[\s).-]*$|\(\s*\d+\s*\)[\s.-]*$")
_LONGEST = 60


class MoreThanANumber(ValueError):
    """The text contains more than one number: words, an extension, a range, a second number."""


def read_phone(text: str) -> phonenumbers.PhoneNumber:
    """Return the number that `text` consists of, dialled from Finland.

    Raises MoreThanANumber where there is anything else in `text`, ValueError where there is no number. Finnish numbers
    must be in use. Foreign numbers need only a possible length, because numbering plans change.
    """
    written = _written(text)
    if len(written) > _LONGEST or not re.search(r"\d", written):
        raise ValueError("not a phone number")
    if not _ONE_NUMBER.fullmatch(written) or _RANGE.search(written):
        raise MoreThanANumber("more than a phone number")
    try:
        number = phonenumbers.parse(written, HOME_REGION)
    except phonenumbers.NumberParseException as error:
        raise ValueError("not a phone number") from error
    digits = "".join(one for one in written if one.isdecimal())
    if not digits.endswith(phonenumbers.national_significant_number(number)):
        # The library reads letters as digits, drops extensions, and rewrites numbers of some countries.
        raise ValueError("not the digits that were typed")
    exists = phonenumbers.is_valid_number if number.country_code == _FINLAND else phonenumbers.is_possible_number
    if not exists(number):
        raise ValueError("no such phone number")
    return number


def parse_phone(text: str) -> phonenumbers.PhoneNumber:
    """As read_phone() for the number of the practice, which must be in use in any country. Raises ValueError."""
    number = read_phone(text)
    if not phonenumbers.is_valid_number(number):
        raise ValueError("no such phone number is in use")
    return number


def _written(text: str) -> str:
    """Return `text` without a label, with ASCII digits and hyphens."""
    plain = _DASHES.sub("-", normalize_pasted(text)).strip().rstrip(",;: ")
    digits = "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in plain)
    return _AREA_CODE.sub(r"\1 ", _LABEL.sub("", digits, count=1), count=1)


def phone_uri(number: phonenumbers.PhoneNumber) -> str:
    """Return the URI of RFC 3966: `tel:+358505348567`."""
    return "tel:" + phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_display(number: phonenumbers.PhoneNumber) -> str:
    """Return `050 534 8567`, or a foreign number in international format.

    The library formats Finnish numbers as "050 5348567"; the last part is split as it is read aloud.
    """
    if number.country_code != _FINLAND:
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    area, _, rest = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL).partition(" ")
    if rest.isdigit() and len(rest) >= 6:
        rest = f"{rest[:3]} {rest[3:]}"
    return f"{area} {rest}".rstrip()
