from intake.forms.contact import ContactForm
from intake.forms.waiting import WaitingForm

__all__ = ["ContactForm", "WaitingForm"]
