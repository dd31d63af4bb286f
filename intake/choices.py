"""The choices of all fields. Values are stored. Labels are shown, translated to Finnish by the catalogue."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Kind(TextChoices):
    CONTACT = "contact", _("Message")
    MAPPING = "mapping", _("Initial mapping")
    WAITING = "waiting", _("Waiting list")


class SupervisionForm(TextChoices):
    INDIVIDUAL = "individual", _("Individual supervision")
    GROUP = "group", _("Group supervision")
    WORK_COMMUNITY = "work_community", _("Supervision of a work community")
    UNDECIDED = "undecided", _("I don't know yet")


class DeliveryMode(TextChoices):
    ONLINE = "online", _("Online")
    CLIENT_PREMISES = "client_premises", _("At our workplace in Satakunta")
    PORI_PREMISES = "pori_premises", _("In Pori, in premises arranged by Aijuu")
    UNDECIDED = "undecided", _("I don't know yet")


class Area(TextChoices):
    SATAKUNTA = "satakunta", _("Satakunta")
    ELSEWHERE = "elsewhere", _("Elsewhere in Finland")


class ContactPreference(TextChoices):
    EMAIL = "email", _("By e-mail")
    PHONE = "phone", _("By phone")


class Status(TextChoices):
    NEW = "new", _("New")
    IN_REVIEW = "in_review", _("In review")
    AWAITING_REPLY = "awaiting_reply", _("Awaiting reply")
    MAPPING_SCHEDULED = "mapping_scheduled", _("Mapping scheduled")
    OFFER_SENT = "offer_sent", _("Offer sent")
    WAITING_LIST = "waiting_list", _("On the waiting list")
    CLOSED = "closed", _("Closed")


class Outcome(TextChoices):
    AGREEMENT = "agreement", _("Agreement made")
    CLIENT_DECLINED = "client_declined", _("The client does not go on")
    SUPERVISOR_DECLINED = "supervisor_declined", _("Kati can't take it on")
    REFERRED = "referred", _("Referred elsewhere")
    NO_RESPONSE = "no_response", _("No response")
    NOT_RELEVANT = "not_relevant", _("Not about supervision")
    SPAM = "spam", _("Spam")


class StepKind(TextChoices):
    """An entry in the history of an enquiry: by the supervisor, by its sender's private link, or by a periodic job."""

    STATUS = "status", _("The status was changed")
    ACCEPTED = "accepted", _("Marked as an ordinary enquiry")
    NOTE_SAVED = "note_saved", _("The note was changed")
    NOTE_EMPTIED = "note_emptied", _("The note was emptied")
    PREPARATION_SAVED = "preparation_saved", _("The notes for the first meeting were changed")
    PREPARATION_EMPTIED = "preparation_emptied", _("The notes for the first meeting were emptied")
    LINK_SENT = "link_sent", _("The link to the initial mapping was put in the mail")
    WAITING_LINK_SENT = "waiting_link_sent", _("The link to the place on the waiting list was put in the mail")
    MOVED_AHEAD = "moved_ahead", _("Moved to the head of the waiting list")
    MOVED_BACK = "moved_back", _("Moved back to the own place in the waiting list")
    NOTIFIED = "notified", _("The notice of the return was put in the mail")
    REMINDED = "reminded", _("The reminder was put in the mail")
    MAIL_WITHDRAWN = "mail_withdrawn", _("A mail of the waiting list was taken back before it went out")
    LINK_WITHDRAWN = "link_withdrawn", _("The link to the initial mapping was taken back before it went out")
    REPLY_WITHDRAWN = "reply_withdrawn", _("The confirmation was taken back before it went out")
    STILL_ASKED = "still_asked", _("Asked by mail whether they are still waiting")
    ANSWERED_YES = "answered_yes", _("Answered: still interested")
    ANSWERED_STAY = "answered_stay", _("Answered: stays on the waiting list")
    ANSWERED_NO = "answered_no", _("Answered: not any more")
    REMOVAL_NOTICE = "removal_notice", _("The last note was put in the mail")


class Verdict(TextChoices):
    ACCEPTED = "accepted", _("Ordinary")
    QUARANTINED = "quarantined", _("Suspicious")


class Reason(TextChoices):
    """Why a spam rule marked a message as suspicious."""

    HIDDEN_FIELD = "hidden_field", _("A field that people do not see was filled in.")
    TOO_FAST = "too_fast", _("The form was sent within a couple of seconds of opening it.")
    MANY_LINKS = "many_links", _("The message has several links.")
    LINK_IN_NAME = "link_in_name", _("There is a web address in the name or the organisation.")
    MARKUP = "markup", _("The message has HTML or forum markup with links.")
    FOREIGN_SCRIPT = "foreign_script", _("The message is mostly written in an alphabet that is rare here.")
    SALES_PHRASES = "sales_phrases", _("The message has phrases typical of advertisements.")
    UNKNOWN_SOURCE = "unknown_source", _("The browser did not tell which page the form was sent from.")


class MailPurpose(TextChoices):
    NOTIFICATION = "notification", _("Notification to Kati")
    CONFIRMATION = "confirmation", _("Confirmation to the sender")
    WAITING_CONFIRMATION = "waiting_confirmation", _("Confirmation of the waiting list")
    WAITING_LINK = "waiting_link", _("Link to the place on the waiting list")
    MAPPING_NOTIFICATION = "mapping_notification", _("Notification of a mapping to Kati")
    MAPPING_LINK = "mapping_link", _("Link to the initial mapping")
    MAPPING_RESUME = "mapping_resume", _("Link to go on with the initial mapping")
    RETURN_NOTICE = "return_notice", _("Notice of the return")
    RETURN_REMINDER = "return_reminder", _("Reminder of the notice of the return")
    STILL_WAITING = "still_waiting", _("“Still waiting?”")
    REMOVAL_NOTICE = "removal_notice", _("Last note before leaving the waiting list")
    WAITING_ANSWER = "waiting_answer", _("Notification of an answer to Kati")
    PAUSE_REMINDER = "pause_reminder", _("Reminder of the pause to Kati")
    PASSWORD_RESET = "password_reset", _("Link for a new password")
    ACCOUNT_CHANGED = "account_changed", _("Notice of a changed account")
    INVITATION = "invitation", _("Invitation to the admin")
    NEW_LOGIN = "new_login", _("Notice of a new login")
    WRONG_CODES = "wrong_codes", _("Notice of wrong codes at the login")


class MailState(TextChoices):
    QUEUED = "queued", _("Waiting to be sent")
    SENDING = "sending", _("Being sent")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Not sent")


class PlanState(TextChoices):
    RUNNING = "running", _("Under way")
    STOPPED = "stopped", _("Stopped")
    FINISHED = "finished", _("Everybody has been told")
