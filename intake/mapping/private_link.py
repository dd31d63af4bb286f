"""The private address of a mapping in a mail: its secret is made when the mail goes out, and kept nowhere in full."""

from django.apps import apps
from django.conf import settings
from django.urls import reverse

# Stands for the secret in a queued mail. No mail that has it holds a word that a visitor wrote.
PLACEHOLDER = "alkukartoituksen-salainen-osoite"


def mapping_is_offered() -> bool:
    """Return whether there is a published page with questions to answer."""
    return bool(apps.get_model("intake", "MappingPage").objects.live().exists())


def address_to_fill() -> str:
    """Return the address for a mail that is being queued, with the placeholder in it."""
    return settings.SITE_URL + reverse("mapping_resume", args=[PLACEHOLDER])
