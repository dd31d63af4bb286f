"""`manage.py reset_second_step`: for somebody who has lost the phone and the recovery codes."""

import io

import pytest
from allauth.usersessions.models import UserSession
from django.core.management import CommandError, call_command

from aijuu_site.accounts.models import User
from tests.accounts import make_user
from tests.aijuu_site.accounts.second_step_visits import ENROL, PASSWORD, Browser, give_password, signed_in, with_app
from tests.aijuu_site.accounts.test_second_step import Authenticators, https, is_in, notices  # noqa: F401 (a fixture)


@pytest.fixture
def kati(db: None) -> User:
    return make_user("Kati Levola", email="kati@example.fi", password=PASSWORD, group="Työnohjaaja")


@pytest.mark.usefixtures("https")
@pytest.mark.parametrize("typed", ["kati@example.fi", " KATI@Example.fi"])
def test_reset_second_step_allows_new_enrolment(typed: str, kati: User) -> None:
    maija = make_user(email="maija@example.fi", password=PASSWORD, group="Sisällöntuottaja")
    hers, browser = signed_in(maija, with_app(maija)), signed_in(kati, with_app(kati))
    out = io.StringIO()
    call_command("reset_second_step", typed, stdout=out)
    assert "kati@example.fi: the second step" in out.getvalue()
    assert not is_in(browser)
    assert set(Authenticators.values_list("user", flat=True)) == {maija.pk}
    assert is_in(hers)
    assert set(UserSession.objects.values_list("user", flat=True)) == {maija.pk}
    [text] = notices()
    assert "kirjautumisen vahvistus poistettiin" in text
    assert "Muutoksen teki sivuston ylläpitäjä." in text
    assert give_password(Browser(), kati)["Location"] == ENROL


def test_reset_second_step_for_unknown_email_fails(kati: User) -> None:
    with_app(kati)
    with pytest.raises(CommandError, match="No account has the address"):
        call_command("reset_second_step", "muu@example.fi")
    assert Authenticators.count() == 2
