"""What must be true once all messages are confirmed: checked in the database and at the mail server."""

import time
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.tools.chaos.faults import resend_given_up
from tests.tools.chaos.machines import Machines
from tests.tools.chaos.senders import FORM, LONGEST_WAIT, Answer, Letter, Senders

# Longer than a worker takes for a mail (intake.mail.delivery.attempt_seconds): an older claim is a dead worker's.
ATTEMPT_SECONDS = 50
# Time limit for sending all mails once everything works.
MAIL_SECONDS = 180.0
# Two mails per message: to the supervisor and to the sender.
MAILS_EACH = 2


@dataclass
class Findings:
    """`lost` and `doubled`: numbers of messages by fault. `wrong`: descriptions of all violations."""

    lost: Counter[str] = field(default_factory=Counter)
    doubled: Counter[str] = field(default_factory=Counter)
    mails: int = 0
    mails_twice: int = 0
    wrong: list[str] = field(default_factory=list)


def empty_the_queue(machines: Machines) -> str:
    """Wait until every mail is sent. Return a description of those that were not sent in time, "" if none.

    A dead worker's claim expires after ten minutes; here it is released immediately.
    """
    deadline = time.monotonic() + MAIL_SECONDS
    while True:
        resend_given_up(machines)
        abandoned = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - ATTEMPT_SECONDS))
        # Compared as text, because SQLite stores times as text.
        machines.database.rows(
            "UPDATE intake_outgoingmail SET claimed_at = '2000-01-01 00:00:00'"  # noqa: S608
            f" WHERE state = 'sending' AND CAST(claimed_at AS varchar(19)) < '{abandoned}'"
        )
        time.sleep(2)
        left = machines.database.rows(
            "SELECT purpose, state, count(*), max(failures), min(claimed_at) FROM intake_outgoingmail"
            " WHERE state <> 'sent' GROUP BY purpose, state"
        )
        if not left or time.monotonic() > deadline:
            return f"mails that did not go out in {MAIL_SECONDS:.0f} s: {left}" if left else ""


def find(machines: Machines, senders: Senders, handed_out: Iterable[Letter], unsent: str) -> Findings:
    """Compare the confirmed messages with the stored messages and the sent mails."""
    findings = Findings(wrong=[unsent] if unsent else [])
    _check_letters(machines, senders, list(handed_out), findings)
    _check_mails(machines, findings)
    _check_answers(senders, findings)
    findings.wrong += [repr(problem) for problem in (*senders.problems, *machines.problems)]
    return findings


def _check_letters(machines: Machines, senders: Senders, handed_out: list[Letter], findings: Findings) -> None:
    rows = machines.database.rows("SELECT name, email, message, verdict, receipt, repeat_receipt FROM intake_enquiry")
    stored = Counter(name for name, *_rest in rows)
    words = {name: (email, message) for name, email, message, *_rest in rows}
    addresses = {
        f"{FORM}kiitos/{uuid.UUID(str(receipt))}/": name
        for name, _email, _message, _verdict, *receipts in rows
        for receipt in receipts
        if receipt
    }
    for letter in handed_out:
        address = senders.told.get(letter)
        if address is None:
            findings.wrong.append(f"{letter.fault}: {letter.name} was never told")
        elif not stored[letter.name]:
            findings.lost[letter.fault] += 1
        elif words[letter.name] != (letter.email, letter.message):
            findings.wrong.append(f"{letter.fault}: {letter.name} is stored with other words")
        elif addresses.get(address) != letter.name:
            findings.wrong.append(f"{letter.fault}: {letter.name} was told another's address")
        findings.doubled[letter.fault] += stored[letter.name] > 1
    if unknown := set(stored) - {letter.name for letter in handed_out}:
        findings.wrong.append(f"stored, but never sent: {sorted(unknown)}")
    if suspicious := sorted(name for name, _email, _message, verdict, *_rest in rows if verdict != "accepted"):
        findings.wrong.append(f"taken for spam: {suspicious}")


def _check_mails(machines: Machines, findings: Findings) -> None:
    queued = machines.database.rows(
        "SELECT message_id, recipient FROM intake_outgoingmail WHERE enquiry_id IS NOT NULL"
    )
    (letters,) = machines.database.rows("SELECT count(*) FROM intake_enquiry")[0]
    if len(queued) != MAILS_EACH * letters:
        findings.wrong.append(f"{letters} letters have {len(queued)} mails")
    sent = Counter((str(message["Message-ID"]), str(message["To"])) for message in machines.smtp.messages)
    if missing := set(queued) - set(sent):
        findings.wrong.append(f"{len(missing)} mails count as sent but never came")
    findings.mails = len(queued)
    findings.mails_twice = sum(sent[mail] - 1 for mail in queued if mail in sent)
    allowed = machines.interruptions + machines.smtp.unconfirmed
    if findings.mails_twice > allowed:
        findings.wrong.append(f"{findings.mails_twice} mails went again, with {allowed} interruptions")


def _check_answers(senders: Senders, findings: Findings) -> None:
    findings.wrong += [f"{count} × {what}" for what, count in Counter(senders.complaints).items()]
    slow: dict[tuple[str, str], list[Answer]] = {}
    for answer in senders.answers:
        if answer.seconds > LONGEST_WAIT:
            slow.setdefault((answer.fault, answer.method), []).append(answer)
    for (fault, method), answers in slow.items():
        longest = max(answer.seconds for answer in answers)
        findings.wrong.append(f"{fault}: {len(answers)} × {method} took more than 10 s, the longest {longest:.1f} s")
