"""Sets of questions: as plain values, and as the rows of blocks that the editor saves."""

from typing import Any

from wagtail.blocks.stream_block import StreamValue

from intake.mapping.question_stream import QuestionStreamBlock, read_question_set
from intake.mapping.questions import Choice, Condition, Question, QuestionSet, QuestionType, Step

Row = dict[str, Any]


def ask(key: str, type_: QuestionType = QuestionType.SHORT_TEXT, **changes: Any) -> Question:
    """A question as a plain value; `when="source:choice,choice"` is its condition, `choices="a b"` its choices."""
    values: dict[str, Any] = {"label": key.capitalize(), "limit": 200, **changes}
    when = values.pop("when", "")
    if when:
        source, choices = when.split(":")
        values["condition"] = Condition(source=source, choices=tuple(choices.split(",")))
    if isinstance(values.get("choices"), str):
        values["choices"] = tuple(Choice(key=name, label=name.capitalize()) for name in values["choices"].split())
    return Question(key=key, type=type_, **values)


def one_of(key: str, choices: str, **changes: Any) -> Question:
    """A question with one choice."""
    return ask(key, QuestionType.SINGLE_CHOICE, choices=choices, **changes)


def steps(*groups: list[Question]) -> QuestionSet:
    """A set with a step for each list."""
    return QuestionSet(
        steps=tuple(
            Step(key=f"step{number}", title=f"Vaihe {number}", questions=tuple(group))
            for number, group in enumerate(groups, 1)
        )
    )


def row(type_: str, identity: str, **value: Any) -> Row:
    """One block as StreamField stores it; lists of texts get ids "<identity>-1", …"""
    lists = {
        name: [{"type": "item", "value": item, "id": f"{identity}-{place}"} for place, item in enumerate(items, 1)]
        for name, items in value.items()
        if isinstance(items, list)
    }
    plain = {"label": identity.capitalize()} if type_ not in ("step", "information") else {}
    return {"type": type_, "id": identity, "value": {**plain, **value, **lists}}


def step(title: str) -> Row:
    return row("step", title.lower(), title=title)


def stream(rows: list[Row]) -> StreamValue:
    """The rows as the page holds them."""
    return QuestionStreamBlock().to_python(rows)


def as_set(rows: list[Row]) -> QuestionSet:
    return read_question_set(stream(rows))


# A set with every type, with conditions on facts, on earlier steps and on the same step, and with every role.
EVERY_TYPE = [
    step("Tilanteesi"),
    row(
        "single_choice",
        "kuka",
        label="Kuka olet?",
        help="Yksi riittää.",
        need="required",
        required_message="Valitse, kuka olet.",
        choices=["Haen itselleni", "Edustan ryhmää", "Muu"],
    ),
    row(
        "number",
        "koko",
        label="Ryhmän koko",
        need="required",
        minimum=2,
        maximum=30,
        role="group_size",
        when=["supervision_form:group", "supervision_form:work_community"],
    ),
    row(
        "short_text",
        "paikka",
        label="Paikkakunta",
        need="required",
        limit=100,
        role="place",
        when=["delivery_modes:client_premises"],
    ),
    step("Toiveesi"),
    row("long_text", "muutos", label="Mihin toivot muutosta?", need="required", limit=1000),
    row("multiple_choice", "teemat", label="Teemat", choices=["Jaksaminen", "Yhteistyö", "Muu teema"]),
    row("short_text", "muu", label="Mikä muu?", need="required", limit=50, when=["teemat:teemat-3"]),
    row("scale", "nyt", label="Missä olet nyt?", low_label="Ei hyvin", high_label="Hyvin"),
    step("Käytännön asiat"),
    row("yes_no", "tuttu", label="Tunnetko Katin?", yes_label="Kyllä", no_label="En", role="acquaintance"),
    row("long_text", "mista", label="Mistä tunnet?", need="required", limit=300, when=["tuttu:yes"]),
    row("information", "tieto", text="<p>Tuttuus <b>ei</b> ole este.</p>", when=["tuttu:yes"]),
    row("date", "paiva", label="Milloin alku?"),
    row("period", "aika", label="Mikä aika sopii?", role="start"),
    row("single_choice", "maksaja", label="Maksaja", choices=["Työnantaja", "Minä itse"], role="payer"),
]
