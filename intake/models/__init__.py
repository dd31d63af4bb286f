from intake.models.contact_page import ContactPage
from intake.models.enquiry import Enquiry, StatusChange
from intake.models.outgoing_mail import MailAttempt, OutgoingMail
from intake.models.removal import RemovedEnquiry
from intake.models.settings import IntakeSettings
from intake.models.traces import AutomaticReplyTrace, PostingTrace

__all__ = [
    "AutomaticReplyTrace",
    "ContactPage",
    "Enquiry",
    "IntakeSettings",
    "MailAttempt",
    "OutgoingMail",
    "PostingTrace",
    "RemovedEnquiry",
    "StatusChange",
]
