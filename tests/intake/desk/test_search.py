"""The search finds the same enquiries as a scan of every row, with an index that stores no words."""

import random

import pytest
from django.db import connection
from django.db.models import Q, QuerySet
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from intake.enquiry.removal import remove_enquiry
from intake.enquiry.search import references_in, search, searched_words, signature
from intake.models import Enquiry
from intake.typed_text import phone_parts
from tests.examples import examples
from tests.intake.desk.pages import LIST, names
from tests.intake.enquiries import received
from tests.tools.many_enquiries import fill
from tests.tools.measured import prefer_indexes

# Letters whose upper and lower case forms do not correspond one to one, besides ordinary ones.
LETTERS = "aäöåikſßıİǰﬁσςΑα0.-_%\\'\"日🙂é"


def row_scan(term: str) -> QuerySet[Enquiry]:
    """Return what a search without an index finds."""
    by_text = Q()
    for bit in searched_words(term):
        by_text &= Q(search_text__icontains=bit)
    by_phone = Q()
    for digits in phone_parts(term):
        by_phone |= Q(phone__contains=digits)
    found = Enquiry.objects.filter(by_text | Q(reference__in=references_in(term)))
    return found | Enquiry.objects.filter(by_phone) if by_phone else found


def test_index_finds_all_that_a_row_scan_finds(db: None) -> None:
    fill(120)
    chance = random.Random(5)
    for _number in range(15):
        received(name="".join(chance.choices(LETTERS, k=12)), organisation="".join(chance.choices(LETTERS, k=9)))
    enquiries = list(Enquiry.objects.all())
    for _number in range(250):
        one = chance.choice(enquiries)
        whole = chance.choice([one.search_text, one.name, one.email, one.phone, one.organisation, "".join(LETTERS)])
        start = chance.randrange(len(whole) + 1)
        term = whole[start : start + chance.choice([1, 2, 3, 5, 9, 30])].replace("\x00", "")
        if not term.split():
            continue
        wanted = set(row_scan(term).values_list("pk", flat=True))
        assert set(search(Enquiry.objects.all(), term).values_list("pk", flat=True)) == wanted, repr(term)


@examples(50)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.data())
def test_signature_contains_signature_of_each_part(word: str, data: st.DataObject) -> None:
    word = "".join(word.split())
    start = data.draw(st.integers(0, len(word)))
    part = word[start : data.draw(st.integers(start, len(word)))]
    for variant in (part, part.casefold(), part.casefold().upper()):
        of_part, of_word = signature([variant]), signature([f"alku {word.casefold()} loppu"])
        assert all(of_part[name] & of_word[name] == of_part[name] for name in of_word)


@pytest.mark.parametrize("term", ["Ö", "ö", "Äö", "ma", "@", "."])
def test_search_of_one_or_two_letters(kati: Client, db: None, term: str) -> None:
    received(name="Mattiäö", email="aa@bb.fi")
    received(name="Pekka", email="cc@dd.fi")
    assert "Mattiäö" in names(kati.get(LIST, {"q": term}))


def test_search_plan_uses_the_signature_index(db: None) -> None:
    fill(50)
    prefer_indexes()
    assert "enquiry_search" in search(Enquiry.objects.all(), "virtanen").explain()


@pytest.mark.parametrize("term", ["virtanen", "050 9999 9999", "K7P-4XC", "maija 040 1234567 k7p4xc"])
def test_search_scans_the_signature_index_once(db: None, term: str) -> None:
    fill(50)
    prefer_indexes()
    assert search(Enquiry.objects.all(), term).explain().count("enquiry_search") == 1


def test_removal_empties_the_index(kati: Client, db: None) -> None:
    enquiry = received(name="Unohtuvainen")
    assert names(kati.get(LIST, {"q": "unohtuvai"})) == ["Unohtuvainen"]
    remove_enquiry(enquiry_id=enquiry.pk, now=enquiry.received_at)
    assert names(kati.get(LIST, {"q": "unohtuvai"})) == []
    with connection.cursor() as cursor:
        # No other table keeps words or signatures of the removed enquiry.
        tables = [name for name in connection.introspection.table_names(cursor) if name.startswith("intake_")]
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - our own tables
            for row in cursor.fetchall():
                assert not {value for value in signature([enquiry.search_text]).values() if value} & set(row)
