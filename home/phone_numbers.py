"""Finnish phone numbers: read as people write them, shown as people read them, linked as phones dial them."""

import phonenumbers

HOME_REGION = "FI"
_FINLAND = 358


def parse_phone(text: str) -> phonenumbers.PhoneNumber:
    """The number that `text` means when it is written in Finland; ValueError when no such number can exist."""
    try:
        number = phonenumbers.parse(text, HOME_REGION)
    except phonenumbers.NumberParseException as error:
        raise ValueError(f"not a phone number: {error}") from error
    if not phonenumbers.is_valid_number(number):
        raise ValueError("no such phone number is in use")
    return number


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
