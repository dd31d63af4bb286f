"""Visitors' phone numbers: kept in E.164, shown as they are read aloud, exported so that no sheet computes them."""

import phonenumbers

from home.phone_numbers import HOME_REGION, phone_display, read_phone


def e164_phone(text: str) -> str:
    """Return a number as it is kept ("+358505348567"). Raises ValueError for what is not one number."""
    return phonenumbers.format_number(read_phone(text), phonenumbers.PhoneNumberFormat.E164)


def readable_phone(e164: str) -> str:
    """Return a kept number for reading: "050 534 8567", from abroad "+46 70 123 45 67"; "" for ""."""
    return phone_display(phonenumbers.parse(e164, HOME_REGION)) if e164 else ""


def dialled_phone(e164: str) -> str:
    """Return a kept number as it is dialled in Finland, digits and spaces only: "00 46 70 123 45 67".

    A leading plus sign would begin a formula in a spreadsheet.
    """
    return readable_phone(e164).replace("+", "00 ", 1)
