from intake.models.contact_page import ContactPage
from intake.models.enquiry import Enquiry, EnquiryStep
from intake.models.jobs import ClockSlip, JobRun, WorkerHeartbeat
from intake.models.mapping import InitialMapping, MappingLink, UnfinishedMapping
from intake.models.mapping_page import MappingPage
from intake.models.outgoing_mail import MailAttempt, OutgoingMail
from intake.models.removal import RemovedEnquiry
from intake.models.settings import IntakeSettings
from intake.models.traces import AutomaticReplyTrace, HashKey, PostingTrace
from intake.models.waiting import ReturnPlan, WaitingLink, WaitingPlace

__all__ = [
    "AutomaticReplyTrace",
    "ClockSlip",
    "ContactPage",
    "Enquiry",
    "EnquiryStep",
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
