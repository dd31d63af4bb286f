"""Somebody who answers the mapping: reads each page as a browser shows it, and posts what a browser would post."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.test import Client
from django.utils import timezone

from intake.mail.queue import secret_digest
from intake.mapping.links import find_link
from intake.mapping.page import published_questions
from intake.models import InitialMapping
from tests.intake.visiting import OWN_PAGE, ShownForm, letter

START = "/alkukartoitus/"
BEGIN = "/alkukartoitus/aloita/"
Words = Mapping[str, str | Sequence[str]]

# One for each step of asking.EVERY_TYPE, for a group that meets online.
ANSWERS: tuple[dict[str, str | list[str]], ...] = (
    {"q_kuka": "kuka-2", "q_koko": "12"},
    {"q_muutos": "Lisää tilaa ajatella.", "q_teemat": ["teemat-1", "teemat-3"], "q_muu": "Työnjako", "q_nyt": "0"},
    {
        "q_tuttu": "yes",
        "q_mista": "Kurssilta.",
        "q_paiva": "1.2.2027",
        "q_aika_from": "1.3.2027",
        "q_aika_to": "30.4.2027",
        "q_maksaja": "maksaja-2",
    },
)


def contact_facts(**changes: str | list[str]) -> dict[str, str | list[str]]:
    """Return valid contact facts of a group that meets online."""
    facts = letter(**{"delivery_modes": ["online"], **changes})
    del facts["message"]
    return facts


@dataclass
class Answerer:
    """One browser on one network address; `secret` is known once the mapping has begun."""

    network_address: str = "198.51.100.7"
    headers: Mapping[str, str] = field(default_factory=lambda: dict(OWN_PAGE))
    client: Client = field(default_factory=Client)
    secret: str = ""

    def begins(self, facts: Words | None = None, **extra: Any) -> Any:
        """Open the first step and send it; after 303 the secret is known."""
        form = ShownForm.of(self.client.get(BEGIN))
        answer = self.posts(BEGIN, {**form.values, **(contact_facts() if facts is None else facts)}, **extra)
        if answer.status_code == 303:
            self.follows(answer)
            # A mapping that is sent within seconds of its start would count as suspicious (intake.submission).
            own = InitialMapping.objects.filter(links__secret_digest=secret_digest(self.secret), enquiry=None)
            own.update(created_at=F("created_at") - timedelta(minutes=4))
        return answer

    def follows(self, answer: Any) -> None:
        """Keep the secret of the private address to which a response redirects."""
        _do_nothing, jatka, self.secret, *_rest = answer["Location"].split("/")
        assert jatka == "jatka"

    def address(self, place: str = "") -> str:
        """The private address of a place: "", "vaihe/1", "tarkista", …"""
        return f"/jatka/{self.secret}/{place}{'/' if place else ''}"

    def opens(self, place: str = "") -> Any:
        return self.client.get(self.address(place), REMOTE_ADDR=self.network_address)

    def reads(self, place: str) -> ShownForm:
        answer = self.opens(place)
        assert answer.status_code == 200, (place, answer.status_code, answer.get("Location"))
        return ShownForm.of(answer)

    def posts(self, address: str, words: Words, *, headers: Mapping[str, str] | None = None, **extra: Any) -> Any:
        """Post to any address."""
        return self.client.post(
            address,
            words,
            REMOTE_ADDR=self.network_address,
            headers=dict(self.headers if headers is None else headers),
            **extra,
        )

    def sends_step(self, number: int, words: Words, **extra: Any) -> Any:
        """Post a step with these values and the hidden version of its page."""
        version = {"version": self.version()} if "version" not in words else {}
        return self.posts(self.address(f"vaihe/{number}"), {**version, **words}, **extra)

    def version(self) -> str:
        """Return the hidden version of a step's page: that of its question set."""
        link = find_link(self.secret, now=timezone.now())
        if link is None or link.mapping.is_sent:
            return ""
        asked = link.mapping.questions if link.mapping.question_set else published_questions()
        return asked.version if asked else ""

    def answers_all(self) -> None:
        """Send every step of asking.EVERY_TYPE with good answers."""
        for number, words in enumerate(ANSWERS, 1):
            answer = self.sends_step(number, words)
            assert answer.status_code == 303, ShownForm.of(answer).summary

    def sends(self, **extra: Any) -> Any:
        """Press the button that sends the mapping."""
        return self.posts(self.address("tarkista"), {}, **extra)

    def sends_all(self, facts: Words | None = None) -> Any:
        """Begin, answer and send."""
        assert self.begins(facts).status_code == 303
        self.answers_all()
        answer = self.sends()
        assert answer.status_code == 303
        return answer
