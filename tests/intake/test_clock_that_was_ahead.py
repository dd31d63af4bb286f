"""A clock that was years ahead for a while locks nothing and nobody when it is right again."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from intake.choices import MailPurpose
from intake.models import AutomaticReplyTrace, Enquiry, PostingTrace
from intake.services.receiving import TooManyPosts, count_post
from intake.services.removing import forget_traces
from tests.intake.enquiries import received

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 1, 1, 12, tzinfo=ZoneInfo("Europe/Helsinki"))
AHEAD = NOW + timedelta(days=1096)


def test_the_limit_of_an_address_is_not_used_up() -> None:
    for _ in range(10):
        count_post("k", AHEAD)
    with pytest.raises(TooManyPosts):
        count_post("k", AHEAD)
    count_post("k", NOW)
    assert PostingTrace.objects.get().posted_at == NOW


def test_the_confirmation_goes_again() -> None:
    received(email="x@esimerkki.fi", now=AHEAD)
    again = received(email="x@esimerkki.fi", message="uusi", now=NOW)
    assert again.mails.filter(purpose=MailPurpose.CONFIRMATION).exists()


def test_the_same_words_are_a_new_letter() -> None:
    first = received(email="x@esimerkki.fi", now=AHEAD)
    second = received(email="x@esimerkki.fi", now=NOW)
    assert first != second
    assert Enquiry.objects.count() == 2


def test_a_small_difference_of_clocks_forgives_nothing() -> None:
    for _ in range(10):
        count_post("k", NOW + timedelta(seconds=30))
    with pytest.raises(TooManyPosts):
        count_post("k", NOW)
    first = received(email="x@esimerkki.fi", now=NOW + timedelta(seconds=30))
    assert received(email="x@esimerkki.fi", now=NOW) == first


def test_the_traces_go_with_the_next_round() -> None:
    count_post("k", AHEAD)
    received(now=AHEAD)
    forget_traces(now=NOW)
    assert not PostingTrace.objects.exists()
    assert not AutomaticReplyTrace.objects.exists()
