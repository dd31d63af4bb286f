"""Finnish phone numbers: read as people write them, shown as people read them, linked as phones dial them."""

import re
import unicodedata

import phonenumbers

from home.invisible_characters import normalize_width, strip_invisible

HOME_REGION = "FI"
_FINLAND = 358

# What stands before a number on cards and in signatures.
_LABEL = re.compile(r"^(?:(?:puh(?:elin(?:numero)?)?|p|tel|gsm|matk(?:apuhelin)?|mob(?:ile)?)[.:]*\s*)+", re.I)
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_AREA_CODE = re.compile(r"^(\(?0\d{1,3}\)?)\s?/\s?(?=\d)")
_ONE_NUMBER = re.compile(r"\(?\+?[\d\s().-]+")
# "1234-5", "1234567–68": up to another number, not one number more. "1234567 (8)": an extension.
_RANGE = re.compile(r"(?:\d{4}\s?-\s?\d{1,2}|-\s?\d)[\s).-]*$|\(\s*\d+\s*\)[\s.-]*$")
_LONGEST = 60


class MoreThanANumber(ValueError):
    """Something stands beside the number: words, an extension, another number, a range."""


def read_phone(text: str) -> phonenumbers.PhoneNumber:
    """The one number that `text` is, when it is written in Finland. Raises ValueError where there is none,
    MoreThanANumber where there is something besides.

    The library reads letters as keys of a phone and drops extensions; here no digit is taken that nobody typed, and
    none is dropped but those for dialling out. Of Finland only numbers that are in use; of other countries, whose plans
    change unnoticed, every one of a possible length.
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
        # Of some countries the library writes numbers anew, as they are dialled from abroad.
        raise ValueError("not the digits that were typed")
    exists = phonenumbers.is_valid_number if number.country_code == _FINLAND else phonenumbers.is_possible_number
    if not exists(number):
        raise ValueError("no such phone number")
    return number


def parse_phone(text: str) -> phonenumbers.PhoneNumber:
    """As `read_phone`, for the practice's own number: one that is in use, wherever it is."""
    number = read_phone(text)
    if not phonenumbers.is_valid_number(number):
        raise ValueError("no such phone number is in use")
    return number


def _written(text: str) -> str:
    """`text` without a label, in plain digits and with one kind of dash."""
    plain = _DASHES.sub("-", normalize_width(strip_invisible(text))).strip().rstrip(",;: ")
    digits = "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in plain)
    return _AREA_CODE.sub(r"\1 ", _LABEL.sub("", digits, count=1), count=1)


def phone_uri(number: phonenumbers.PhoneNumber) -> str:
    """For a link, as in RFC 3966: `tel:+358505348567`."""
    return "tel:" + phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_display(number: phonenumbers.PhoneNumber) -> str:
    """For reading: `050 534 8567`; a foreign number in its international form.

    The library writes Finnish numbers as "050 5348567"; the last part is split here the way it is read aloud.
    """
    if number.country_code != _FINLAND:
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    area, _, rest = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL).partition(" ")
    if rest.isdigit() and len(rest) >= 6:
        rest = f"{rest[:3]} {rest[3:]}"
    return f"{area} {rest}".rstrip()
