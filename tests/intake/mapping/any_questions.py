"""Any set of questions that the editor can save, and any answers to it, for Hypothesis."""

from typing import Any

from hypothesis import strategies as st

from intake.choices import DeliveryMode, SupervisionForm
from intake.mapping.questions import Need
from tests.intake.mapping.asking import Row, row

FACTS = {"supervision_form": SupervisionForm.values, "delivery_modes": DeliveryMode.values}
KINDS = (
    "short_text",
    "long_text",
    "single_choice",
    "multiple_choice",
    "number",
    "scale",
    "yes_no",
    "date",
    "period",
    "information",
)
ROLES = {
    "short_text": ("place", "start"),
    "single_choice": ("payer",),
    "number": ("group_size",),
    "yes_no": ("acquaintance",),
    "date": ("start",),
    "period": ("start",),
}

# Texts as the editor's form stores them: without NUL and without surrounding whitespace.
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40
).map(str.strip).filter(bool) | st.sampled_from(
    ["</textarea><script>alert(1)</script>", "{{ x }}{% y %}", "\"'&amp;<b>", "%(value)s %d", "\u202eaB", "💥"]
)  # fmt: skip


@st.composite
def saved_rows(draw: st.DrawFn) -> list[Row]:
    """Rows of blocks. Nearly all of them pass QuestionStreamBlock.clean; the test keeps those that do."""
    rows: list[Row] = []
    deciders: list[tuple[str, list[str]]] = list(FACTS.items())
    roles: set[str] = set()
    for number in range(draw(st.integers(1, 3))):
        rows.append(row("step", f"step{number}", title=draw(texts), introduction=draw(st.just("") | texts)))
        kinds = draw(st.lists(st.sampled_from(KINDS), min_size=0, max_size=3))
        # A step without a question is invalid.
        for place, kind in enumerate([*kinds, draw(st.sampled_from(KINDS[:-1]))]):
            identity = f"q{number}-{place}"
            one = _question(draw, kind, identity, deciders, roles)
            rows.append(one)
            if kind in ("single_choice", "multiple_choice"):
                deciders.append((identity, [choice["id"] for choice in one["value"]["choices"]]))
            elif kind == "yes_no":
                deciders.append((identity, ["yes", "no"]))
    return rows


def _question(draw: st.DrawFn, kind: str, identity: str, deciders: list[tuple[str, list[str]]], roles: set[str]) -> Row:
    source, choices = draw(st.sampled_from(deciders))
    some = st.lists(st.sampled_from(choices), min_size=1, unique=True)
    chosen: list[str] = draw(some) if draw(st.booleans()) else []
    value: dict[str, Any] = {"when": [f"{source}:{choice}" for choice in chosen]}
    if kind == "information":
        return row(kind, identity, text="<p>Tieto</p>", **value)
    value |= {
        "label": draw(texts),
        "help": draw(st.just("") | texts),
        "need": draw(st.sampled_from(Need.values)),
        "required_message": draw(st.just("") | texts),
    }
    free = [role for role in ROLES.get(kind, ()) if role not in roles]
    if draw(st.booleans()) and free:
        value["role"] = free[0]
        roles.add(free[0])
    if kind in ("single_choice", "multiple_choice"):
        value["choices"] = draw(st.lists(texts, min_size=2, max_size=4, unique_by=lambda text: tuple(text.split())))
    elif kind in ("short_text", "long_text"):
        value["limit"] = draw(st.integers(1, 60))
    elif kind == "number":
        bounds = draw(st.lists(st.integers(0, 1000), min_size=2, max_size=2).map(sorted))
        value["minimum"], value["maximum"] = bounds
    elif kind == "scale":
        value["low_label"], value["high_label"] = draw(texts), draw(texts)
    elif kind == "yes_no":
        value["yes_label"], value["no_label"] = draw(texts), draw(texts)
    return row(kind, identity, **value)


facts = st.fixed_dictionaries(
    {
        "supervision_form": st.sampled_from(SupervisionForm.values),
        "delivery_modes": st.lists(st.sampled_from(DeliveryMode.values), min_size=1, unique=True),
    }
)
words = st.text("abcåäö ÅÄÖ<&\"'\n.,–💥", max_size=60)
any_text = st.text(max_size=100) | st.text("\r\n\t\x00\u202e\u200b \"'<>&;-٣３²", max_size=20)
hostile_values = (
    any_text
    | st.sampled_from(["-", "-1", "٣", "²", "1e3", "31.2.2027", "1.1.0000", "0000-00-00", "yes", "131052-308T"])
    | st.lists(any_text, max_size=3)
)  # fmt: skip
