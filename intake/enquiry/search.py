"""References of enquiries, and searching enquiries by parts of words, in the same way on SQLite and PostgreSQL.

Each enquiry has a signature: a Bloom filter of the letter pairs and triples in its words. The index over the signatures
leaves only few rows whose text must be compared. All this is in the enquiry's own row, so nothing outlives its removal.
"""

import re
import secrets
import zlib
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import and_
from typing import Any

from django.db.models import BigIntegerField, ExpressionWrapper, F, Q, QuerySet

from home.text_input import readable_address
from intake.enquiry.models import SIGNATURE_FIELDS, Enquiry
from intake.mailbox import mailbox_of
from intake.submission import ContactFacts
from intake.typed_text import clean_line, phone_parts

# The bits of a bigint without its sign bit.
_BITS_EACH = 63
_ALL = 1_000_000_000
# Separates the words of a text pasted from a mail program or a list: 'Pieni, Pekka <pekka@esimerkki.fi>'.
_BETWEEN_WORDS = re.compile(r"""[\s<>()\[\]{}"“”„«»,;]+(?:mailto:)?|^mailto:""")
_AT_THE_ENDS = ".:!?'’‘"
# No characters that look or sound alike (0/O, 1/I/L, 2/Z, 5/S, 8/B, D/T, M/N, G/K, U/V/W). No vowels, so that no
# reference spells a word.
ALPHABET = "34679CFHJKNPRTXY"
_LENGTH = 6
# As people write a reference: in either case, with or without a separator.
_WRITTEN = re.compile(
    rf"(?<![^\W_])([{ALPHABET}]{{3}})[\s\u2010-\u2015\u2212_-]*([{ALPHABET}]{{3}})(?![^\W_])", re.IGNORECASE
)


def new_reference() -> str:
    """Return a random reference such as "K7P-4XC", one of 16**6 (about 17 million)."""
    symbols = "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH))
    return f"{symbols[:3]}-{symbols[3:]}"


def references_in(text: str) -> set[str]:
    """Return possible references in `text`, in their stored form ("re: k7p 4xc" -> {"K7P-4XC"})."""
    return {f"{match[1]}-{match[2]}".upper() for match in _WRITTEN.finditer(clean_line(text))}


def search_values(reference: str, facts: ContactFacts) -> dict[str, str | int]:
    """Return the searched fields, by name. They have the address both readable and encoded: people copy either."""
    words = [reference, facts.name, facts.organisation, readable_address(facts.email), facts.email]
    text = " ".join(dict.fromkeys(words)).casefold()
    return {"search_text": text, **signature([text, facts.phone])}


def signature(texts: Iterable[str]) -> dict[str, int]:
    """Return the signature of the words in `texts`: the name of each signature field -> its bits.

    The signature of a part of a word has only bits that the signature of the whole word has too.
    """
    found = dict.fromkeys(SIGNATURE_FIELDS, 0)
    for text in texts:
        # PostgreSQL's icontains compares in upper case, where two small letters can be the same one ("i" and "ı").
        for word in text.casefold().upper().casefold().split():
            for part in {word[start : start + length] for length in (2, 3) for start in range(len(word) - length + 1)}:
                field, bit = divmod(zlib.crc32(part.encode()) % (len(SIGNATURE_FIELDS) * _BITS_EACH), _BITS_EACH)
                found[SIGNATURE_FIELDS[field]] |= 1 << bit
    return found


def search(enquiries: QuerySet[Enquiry], term: str) -> QuerySet[Enquiry]:
    """Return the enquiries whose text has each word of `term`, or whose reference or phone number is in `term`.

    Returns all `enquiries` for a blank term. All alternatives are tried: "Pyry ry" may be a name or a reference.
    """
    words = searched_words(term)
    by_text = Q()
    for word in words:
        by_text &= Q(search_text__icontains=word)
    wanted, alternatives = by_text, [(words, Q())]
    for digits in phone_parts(term):
        in_number = Q(phone__contains=digits)
        wanted |= in_number
        # The index has the phone number too, so the index alone can check this condition.
        alternatives.append(([digits], in_number))
    for reference in references_in(term):
        wanted |= Q(reference=reference)
        alternatives.append(([reference], Q()))
    if max(map(len, words), default=0) > 1:
        # The LIMIT excludes no row. Without it PostgreSQL merges the subquery into the query, and reads every row.
        enquiries = enquiries.filter(pk__in=_with_signature(alternatives)[:_ALL])
    return enquiries.filter(wanted)


def others_of_mailbox(enquiry: Enquiry) -> list[Enquiry]:
    """Return the other enquiries from the same mailbox, with any +tag. Only reference and address are loaded."""
    mailbox = mailbox_of(enquiry.email)
    local, _at, domain = mailbox.rpartition("@")
    found = search(Enquiry.objects.exclude(pk=enquiry.pk), f"{local} @{domain}").only("reference", "email")
    return [other for other in found if mailbox_of(other.email) == mailbox]


def searched_words(term: str) -> list[str]:
    """Return the words of `term` without the punctuation around them, which the stored text may not have."""
    bare = (word.strip(_AT_THE_ENDS) for word in _BETWEEN_WORDS.split(term.casefold()))
    return [word for word in bare if word] or term.casefold().split()


def _with_signature(alternatives: Iterable[tuple[Iterable[str], Q]]) -> QuerySet[Enquiry, Any]:
    """Return the primary keys of the enquiries that match any of the alternatives.

    An alternative has parts of words and a condition that the index alone can check. An enquiry matches if its
    signature has all bits of the parts, and the condition holds. One scan of the index checks all alternatives.
    """
    choices = [(signature(parts), condition) for parts, condition in alternatives]
    # The bits that all alternatives share are checked first: this one comparison excludes most rows.
    shared = {name: reduce(and_, (bits[name] for bits, _condition in choices)) for name in SIGNATURE_FIELDS}
    common: dict[str, ExpressionWrapper] = {}
    found = Q()
    for number, (bits, condition) in enumerate(choices):
        found |= _has_all(bits, str(number), common) & condition
    found = _has_all(shared, "shared", common) & found
    # The caller's query leaves out test letters. If this one did too, PostgreSQL would not choose the right index.
    return Enquiry.with_proofs.order_by().alias(**common).filter(found).values("pk")


def _has_all(bits: Mapping[str, int], label: str, common: dict[str, ExpressionWrapper]) -> Q:
    """Return the condition that a signature has these bits, on expressions that are added to `common`.

    The names of the expressions end with `label`.
    """
    condition = Q()
    for name, value in sorted(bits.items(), key=lambda one: -one[1].bit_count()):
        if value:
            # By default Django takes the result for a 32-bit integer, and a comparison with a larger one for false.
            common[f"{name}_{label}"] = ExpressionWrapper(F(name).bitand(value), output_field=BigIntegerField())
            condition &= Q(**{f"{name}_{label}": value})
    return condition
