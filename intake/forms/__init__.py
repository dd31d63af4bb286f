from intake.forms.contact import ContactForm

__all__ = ["ContactForm"]
