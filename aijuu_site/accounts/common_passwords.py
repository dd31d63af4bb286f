"""Passwords that are guessed first: Django's 20 000 common ones, and Finnish words, whatever digits hang on them."""

import string
import unicodedata

from django.contrib.auth.password_validation import CommonPasswordValidator as DjangoValidator
from django.core.exceptions import ValidationError

_ENDS = string.digits + string.punctuation + string.whitespace
# As common_core() leaves them. Months and seasons are what people take who must change a password often.
_FINNISH = {
    "aijuu", "tyonohjaus", "tyonohjaaja", "katilevola", "kati", "levola", "pori", "satakunta", "suomi", "finland",
    "helsinki", "sauna", "juhannus", "joulu", "salasana", "salainen", "kayttaja", "yllapito", "yllapitaja",
    "tervetuloa", "kirjaudu", "rakkaus", "rakas", "kulta", "aurinko", "kissa", "koira", "hevonen", "perhe", "mummo",
    "lapset", "kukka", "mansikka", "mustikka", "metsa", "jarvi", "kesa", "talvi", "syksy", "kevat", "tammikuu",
    "helmikuu", "maaliskuu", "huhtikuu", "toukokuu", "kesakuu", "heinakuu", "elokuu", "syyskuu", "lokakuu",
    "marraskuu", "joulukuu", "maanantai", "perjantai", "lauantai", "perkele", "saatana", "vittu", "paska", "lumiukko",
    "jaakiekko",
}  # fmt: skip


def common_core(password: str) -> str:
    """Return a password without the digits and signs at its ends, in lower case, with a for ä."""
    folded = unicodedata.normalize("NFKD", password).casefold()
    return "".join(sign for sign in folded if not unicodedata.combining(sign)).strip(_ENDS)


class CommonPasswordValidator(DjangoValidator):
    def validate(self, password: str, user: object = None) -> None:
        super().validate(password, user)  # type: ignore[arg-type]
        core = common_core(password)
        if core in _FINNISH or core in self.passwords:
            raise ValidationError(self.get_error_message(), code="password_too_common")
