"""The first step of the mapping: the same contact facts as on the contact form."""

from intake.forms.contact import ContactFactsForm


class MappingFactsForm(ContactFactsForm):
    """Contact facts, without a message: the questions follow."""
