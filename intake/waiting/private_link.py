"""The private address of a place in the waiting list: its secret is made when a mail goes out, and kept as a hash."""

from django.conf import settings
from django.urls import reverse

# Stands for the secret in a queued mail. No mail that has it holds a word that a visitor wrote.
PLACEHOLDER = "odotuslistan-salainen-osoite"


def address_to_answer() -> str:
    """Return the address for a mail that is being queued, with the placeholder in it."""
    return settings.SITE_URL + reverse("waiting_answer", args=[PLACEHOLDER])
