"""The models of this app, imported from its packages for Django."""

from intake.contact.page import ContactPage
from intake.enquiry.models import Enquiry, EnquiryStep, RemovedEnquiry
from intake.jobs.runner import ClockSlip, JobRun, WorkerHeartbeat
from intake.mail.models import AutomaticReplyTrace, MailAttempt, OutgoingMail
from intake.mailbox import HashKey
from intake.mapping.models import InitialMapping, MappingLink, UnfinishedMapping
from intake.mapping.page import MappingPage
from intake.proof import FormProof
from intake.rate_limit import PostingTrace
from intake.settings import IntakeSettings
from intake.waiting.models import ReturnPlan, WaitingLink, WaitingPlace

__all__ = [
    "AutomaticReplyTrace",
    "ClockSlip",
    "ContactPage",
    "Enquiry",
    "EnquiryStep",
    "FormProof",
    "HashKey",
    "InitialMapping",
    "IntakeSettings",
    "JobRun",
    "MailAttempt",
    "MappingLink",
    "MappingPage",
    "OutgoingMail",
    "PostingTrace",
    "RemovedEnquiry",
    "ReturnPlan",
    "UnfinishedMapping",
    "WaitingLink",
    "WaitingPlace",
    "WorkerHeartbeat",
]
