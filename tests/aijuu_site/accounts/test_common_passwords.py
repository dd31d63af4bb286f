"""The password validator refuses common passwords, and common Finnish words with digits added."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from aijuu_site.accounts.passwords import common_core


@pytest.mark.parametrize(
    "password",
    [
        "Salasana123", "SALASANA2026!", "työnohjaus1", "Tyonohjaus!", "Kesäkuu2026", "kesakuu 2026", "2026Joulukuu",
        "aijuu12345", "!!Perkele!!", "Password2026!", "1q2w3e4r5t", "5550123456", "qwerty123!",
    ],
)  # fmt: skip
def test_common_password_with_digits_is_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password)


@pytest.mark.parametrize(
    "password", ["kuusen-alla-istuu-7-lasta", "lumi-natisee-askelten-alla-9", "salasanaton aamu 3", "Xk29-fmPq-71"]
)
def test_uncommon_password_is_accepted(password: str) -> None:
    validate_password(password)


def test_password_needs_ten_characters() -> None:
    with pytest.raises(ValidationError, match="10 merkkiä"):
        validate_password("xk29fmpq7")


@pytest.mark.parametrize(("password", "core"), [("Kesä-2026!", "kesa"), ("123", ""), ("a1b", "a1b"), (" Ä ", "a")])
def test_common_core_strips_digits_at_both_ends(password: str, core: str) -> None:
    assert common_core(password) == core
