"""Helpers: mappings that are begun, answered and sent through the services."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from home.models import PauseNotice
from intake.mail.queue import new_secret
from intake.mapping.links import find_link
from intake.mapping.models import InitialMapping
from intake.mapping.questions import NO, YES, Choice, Condition, Question, QuestionSet, QuestionType, Role, Step
from intake.mapping.services import MappingStart, begin_mapping, send_mapping, store_answers
from intake.models import Enquiry
from intake.submission import FormEntry, FormOpening, SpamSigns
from tests.intake.enquiries import facts, received
from tests.intake.mapping.mailed_links import mail_link_for_enquiry

QUESTIONS = QuestionSet(
    published_on="2026-10-05",
    steps=(
        Step(
            key="s1",
            title="Tilanteesi",
            introduction="Ensin lyhyesti siitä, missä mennään.",
            questions=(
                Question(
                    key="size",
                    type=QuestionType.NUMBER,
                    label="Ryhmän koko",
                    help="Arvio riittää.",
                    need="required",
                    minimum=2,
                    maximum=30,
                    role=Role.GROUP_SIZE,
                    condition=Condition(
                        source="supervision_form",
                        choices=("group", "work_community"),
                        words="Vastaa tähän, jos valitsit ”Ryhmätyönohjaus”.",
                    ),
                ),
                Question(
                    key="place",
                    type=QuestionType.SHORT_TEXT,
                    label="Paikkakunta",
                    limit=100,
                    role=Role.PLACE,
                    condition=Condition(
                        source="delivery_modes", choices=("client_premises",), words="Jos työpaikalla."
                    ),
                ),
                Question(key="info", type=QuestionType.INFORMATION, body="<p>Hyvä <b>tietää</b>.</p>"),
            ),
        ),
        Step(
            key="s2",
            title="Toiveesi",
            questions=(
                Question(
                    key="change",
                    type=QuestionType.LONG_TEXT,
                    label="Mihin toivot muutosta?",
                    need="required",
                    limit=1000,
                ),
                Question(
                    key="themes",
                    type=QuestionType.MULTIPLE_CHOICE,
                    label="Mitkä teemat?",
                    choices=(
                        Choice(key="c1", label="Rajat, roolit"),
                        Choice(key="c2", label="Yhteistyö"),
                        Choice(key="c3", label="Jaksaminen"),
                    ),
                ),
                Question(
                    key="scale",
                    type=QuestionType.SCALE,
                    label="Missä olette nyt?",
                    low_label="Kaikki takkuaa",
                    high_label="Työ sujuu",
                ),
                Question(key="start", type=QuestionType.SHORT_TEXT, label="Milloin?", limit=200, role=Role.START),
                Question(
                    key="payer",
                    type=QuestionType.SINGLE_CHOICE,
                    label="Maksaja",
                    choices=(Choice(key="p1", label="Työnantaja"), Choice(key="p2", label="Minä itse")),
                    role=Role.PAYER,
                ),
                Question(
                    key="known",
                    type=QuestionType.YES_NO,
                    label="Tunnetko Katin ennestään?",
                    choices=(Choice(key=YES, label="Kyllä"), Choice(key=NO, label="En")),
                    role=Role.ACQUAINTANCE,
                ),
            ),
        ),
    ),
)

ANSWERS: dict[str, Any] = {
    "size": 14,
    "change": "Haluamme tilaa ajatella.\nJa rauhaa.",
    "themes": ["c1", "c3"],
    "scale": 0,
    "start": "Tammikuussa",
    "payer": "p1",
    "known": "yes",
}


def under_way(
    enquiry: Enquiry, *, answers: dict[str, Any] | None = None, now: datetime | None = None
) -> InitialMapping:
    """Return an unsent mapping that belongs to a message, with some answers stored."""
    moment = now or timezone.now()
    link = find_link(mail_link_for_enquiry(enquiry=enquiry, now=moment), now=moment)
    assert link is not None
    return _answered(link.mapping, {"change": "Vielä kesken"} if answers is None else answers, moment)


def sent_after(
    enquiry: Enquiry, *, answers: dict[str, Any] | None = None, now: datetime | None = None
) -> InitialMapping:
    """Return a sent mapping that belongs to a message."""
    moment = now or timezone.now()
    return _sent(under_way(enquiry, answers=ANSWERS if answers is None else answers, now=moment), moment)


def sent_alone(*, answers: dict[str, Any] | None = None, now: datetime | None = None, **changes: Any) -> InitialMapping:
    """Return a sent mapping that began without a message: its enquiry has none."""
    moment = now or timezone.now()
    return _sent(begun_alone(answers=ANSWERS if answers is None else answers, now=moment, **changes), moment)


def begun_alone(
    *, answers: dict[str, Any] | None = None, now: datetime | None = None, **changes: Any
) -> InitialMapping:
    """Return an unsent mapping that began without a message: it has no enquiry yet."""
    moment = now or timezone.now()
    mapping = begin_mapping(
        start=MappingStart(
            entry=FormEntry(
                facts=facts(message="", **changes),
                opening=FormOpening(submission_id=uuid.uuid4(), opened_at=moment),
                signs=SpamSigns(seconds_open=300),
            ),
            question_set=QUESTIONS,
        ),
        secret=new_secret(),
        address_key=uuid.uuid4().hex,
        now=moment - timedelta(minutes=5),
    )
    return _answered(mapping, answers or {}, moment)


def with_mapping(*, answers: dict[str, Any] | None = None, now: datetime | None = None, **changes: Any) -> Enquiry:
    """Return a message to which a sent mapping belongs."""
    enquiry = received(now=now, **changes)
    sent_after(enquiry, answers=answers, now=now)
    enquiry.refresh_from_db()
    return enquiry


def _answered(mapping: InitialMapping, answers: dict[str, Any], now: datetime) -> InitialMapping:
    return store_answers(
        mapping_id=mapping.pk,
        by_mail=mapping.enquiry is not None,
        question_set=QUESTIONS,
        step_keys=[],
        answers=answers,
        now=now,
    )


def _sent(mapping: InitialMapping, now: datetime) -> InitialMapping:
    send_mapping(mapping_id=mapping.pk, address_key=uuid.uuid4().hex, pause=PauseNotice.load().status(now=now), now=now)
    mapping.refresh_from_db()
    return mapping
