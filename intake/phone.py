"""Visitors' phone numbers: kept in E.164, shown as they are read aloud, exported so that no sheet computes them."""

import re

import phonenumbers

from home.phone_numbers import HOME_REGION, phone_display, read_phone

# Fewer would be found in nearly every number.
_FEWEST_DIGITS = 3


def e164_phone(text: str) -> str:
    """Return a number as it is kept ("+358505348567"). Raises ValueError for what is not one number."""
    return phonenumbers.format_number(read_phone(text), phonenumbers.PhoneNumberFormat.E164)


# As a number stands in a text: its parts beside each other, with spaces, hyphens, dots, slashes or brackets between.
_WRITTEN = re.compile(r"\d(?:[\s()./\u2010-\u2015\u2212-]*\d){2,}")


def phone_parts(text: str) -> set[str]:
    """Return digits to look for in kept numbers ("050 534-85" -> {"5053485"}): what could be a number or a part of one.

    Zeros at the beginning, "00" for abroad or "0" in front of the area, are not kept, nor is the one in "+358 (0)50".
    """
    runs = (re.sub(r"\D", "", match.group()) for match in _WRITTEN.finditer(text.replace("(0)", "")))
    parts = {re.sub(r"^3580+", "358", run.lstrip("0")) for run in runs}
    return {part for part in parts if len(part) >= _FEWEST_DIGITS}


def readable_phone(e164: str) -> str:
    """Return a kept number for reading: "050 534 8567", from abroad "+46 70 123 45 67"; "" for ""."""
    return phone_display(phonenumbers.parse(e164, HOME_REGION)) if e164 else ""


def dialled_phone(e164: str) -> str:
    """Return a kept number as it is dialled in Finland, digits and spaces only: "00 46 70 123 45 67".

    A leading plus sign would begin a formula in a spreadsheet.
    """
    return readable_phone(e164).replace("+", "00 ", 1)
