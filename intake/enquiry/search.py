"""Searching enquiries by parts of words, alike on both databases.

Each enquiry has a signature, a Bloom filter of the letter pairs and triples in its words. An index over the signatures
leaves only few rows whose text is compared. Everything is in the enquiry's own row, so nothing outlives its removal.
"""

import zlib
from collections.abc import Iterable

from django.db.models import F, Q, QuerySet

from home.email_address import readable_address
from intake.enquiry.models import SIGNATURE_FIELDS, Enquiry
from intake.enquiry.rules import references_in
from intake.submission import ContactFacts
from intake.typed_text import phone_parts

# A bigint without its sign.
_BITS_EACH = 63


def search_values(reference: str, facts: ContactFacts) -> dict[str, str | int]:
    """Return the fields that are searched, by name. The address is both readable and encoded: people copy either."""
    words = [reference, facts.name, facts.organisation, readable_address(facts.email), facts.email]
    text = " ".join(dict.fromkeys(words)).casefold()
    return {"search_text": text, **signature([text, facts.phone])}


def signature(texts: Iterable[str]) -> dict[str, int]:
    """Return the signature of the words in `texts`: a field's name -> its bits.

    The signature of a part of a word has no bit that the signature of the word lacks.
    """
    found = dict.fromkeys(SIGNATURE_FIELDS, 0)
    for text in texts:
        # PostgreSQL compares capital letters, of which some have two small ones ("i" and "ı").
        for word in text.casefold().upper().casefold().split():
            for part in {word[start : start + length] for length in (2, 3) for start in range(len(word) - length + 1)}:
                field, bit = divmod(zlib.crc32(part.encode()) % (len(SIGNATURE_FIELDS) * _BITS_EACH), _BITS_EACH)
                found[SIGNATURE_FIELDS[field]] |= 1 << bit
    return found


def matching(term: str) -> QuerySet[Enquiry]:
    """Return the enquiries with each word of `term` in their text, or with a reference or phone number in it.

    "Pyry ry" may be a name or a reference.
    """
    bits = term.casefold().split()
    by_text = _with_signature(bits)
    for bit in bits:
        by_text = by_text.filter(search_text__icontains=bit)
    others = [_with_signature([digits]).filter(phone__contains=digits) for digits in phone_parts(term)]
    references = references_in(term)
    if references:
        others.append(Enquiry.objects.filter(reference__in=references))
    found = [keys.order_by().values("pk") for keys in (by_text, *others)]
    return Enquiry.objects.filter(pk__in=found[0].union(*found[1:]) if others else found[0])


def _with_signature(parts: Iterable[str]) -> QuerySet[Enquiry]:
    """Return the enquiries whose signature has all bits of these parts of words."""
    bits = {name: value for name, value in signature(parts).items() if value}
    if not bits:
        return Enquiry.objects.all()
    candidates = Enquiry.objects.order_by().alias(**{f"{name}_common": F(name).bitand(bits[name]) for name in bits})
    has_all = Q(**{f"{name}_common": value for name, value in bits.items()})
    # A query of its own, which the index answers without the rows.
    return Enquiry.objects.filter(pk__in=candidates.filter(has_all).values("pk"))
