"""What can be answered by the private link to a place in the waiting list: one pure rule for page and service."""

from enum import StrEnum

from intake.choices import Outcome, Status


class Answer(StrEnum):
    """The buttons of the page; the values are what its form sends."""

    YES = "yes"
    STAY = "stay"
    NO = "no"
    REMOVE = "remove"


class Standing(StrEnum):
    """Where the one who waits stands.

    WAITING: on the list. CALLED: on the list, told of the return, no answer yet. SAID_YES: back among the new ones.
    HANDLED: the supervisor has taken it from there. LEFT: ended by an answer or by silence, and can be taken back.
    ENDED: ended otherwise, by the supervisor's word.
    """

    WAITING = "waiting"
    CALLED = "called"
    SAID_YES = "said_yes"
    HANDLED = "handled"
    LEFT = "left"
    ENDED = "ended"


def standing(*, status: str, outcome: str, called: bool, said_yes: bool) -> Standing:
    """Return where an enquiry of the list stands. `said_yes`: that is the latest answer since it was told."""
    if status == Status.WAITING_LIST:
        return Standing.CALLED if called else Standing.WAITING
    if status == Status.CLOSED:
        return Standing.LEFT if outcome in (Outcome.CLIENT_DECLINED, Outcome.NO_RESPONSE) else Standing.ENDED
    return Standing.SAID_YES if said_yes and status == Status.NEW else Standing.HANDLED


def offered(where: Standing, *, called: bool, said_yes: bool) -> tuple[Answer, ...]:
    """Return the answers that stand open, in the order of their buttons. Removal always does."""
    if where is Standing.WAITING:
        return (Answer.STAY, Answer.NO, Answer.REMOVE)
    if where is Standing.CALLED:
        return (Answer.YES, Answer.NO, Answer.REMOVE)
    if where is Standing.SAID_YES:
        return (Answer.NO, Answer.REMOVE)
    if where is Standing.LEFT:
        return (Answer.YES if called else Answer.STAY, Answer.REMOVE)
    if where is Standing.HANDLED and called and not said_yes:
        return (Answer.YES, Answer.REMOVE)
    return (Answer.REMOVE,)
