"""`python -m tests.tools.catalogues check|missing|update|compile`: the Finnish catalogues, without GNU gettext.

check    every text of a room is translated, nothing is fuzzy, left over or malformed, and the .mo is that of the .po
missing  list the texts without a translation
update   add new texts to the .po in the order of the sources; print what it takes out
compile  write the .mo files
"""

import gettext
import io
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent.parent
LOCALE = "fi"
HEADER = "# The Finnish texts. Written by hand; `make catalogues` adds new ones and compiles."

# Our versions of other packages' templates: what those packages have in Finnish stays theirs.
_OVERRIDES = ("templates/modeladmin/", "templates/wagtailadmin/")
_THEIR_PACKAGES = ("wagtail.admin", "wagtail_modeladmin")

# Which argument of a call is the text, the plural, and the context ("c").
_KEYWORDS = {
    "_": None,
    **{name + lazy: None for name in ("gettext",) for lazy in ("", "_lazy", "_noop")},
    **{"ngettext" + lazy: (1, 2) for lazy in ("", "_lazy")},
    **{"pgettext" + lazy: ((1, "c"), 2) for lazy in ("", "_lazy")},
    **{"npgettext" + lazy: ((1, "c"), 2, 3) for lazy in ("", "_lazy")},
}


@dataclass(frozen=True)
class Room:
    """One catalogue and the sources whose texts it holds, relative to `root`."""

    name: str
    sources: tuple[str, ...]
    root: Path = ROOT

    @property
    def po(self) -> Path:
        return self.root / self.name / "locale" / LOCALE / "LC_MESSAGES" / "django.po"

    @property
    def mo(self) -> Path:
        return self.po.with_suffix(".mo")

    def files(self) -> Iterator[Path]:
        """Yield the source files, each once, in a stable order."""
        found = (path for pattern in self.sources for path in sorted(self.root.glob(pattern)))
        for path in dict.fromkeys(found):
            if "migrations" not in path.parts:
                yield path


ROOMS = (
    Room("home", ("home/**/*.py", "templates/*.html", "templates/components/**/*.*", "templates/home/**/*.*")),
    Room("intake", ("intake/**/*.py", *(f"templates/{folder}/**/*.*" for folder in
                                        ("intake", "emails", "modeladmin", "wagtailadmin")))),
    Room("aijuu_site", ("aijuu_site/**/*.py", "templates/style_guide/**/*.*", "templates/editors_guide/**/*.*",
                        "templates/wagtailsettings/**/*.*", "templates/accounts/**/*.*")),
)  # fmt: skip


def _python_like(path: Path) -> str:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return source
    # Django's own reading of a template leaves calls among filler words; its indentation means nothing.
    return "\n".join(line.lstrip() for line in templatize(source, origin=str(path)).split("\n"))


def texts_of(room: Room) -> Catalog:
    """Return the room's texts as a catalogue without translations, in the order of the sources."""
    texts = Catalog(locale=LOCALE)
    for path in room.files():
        code = io.BytesIO(_python_like(path).encode())
        place = path.relative_to(room.root).as_posix()
        for _line, message, _comments, context in extract("python", code, _KEYWORDS, options={"encoding": "utf-8"}):
            texts.add(message, locations=[(place, 0)], context=context)
    return texts


def read_catalogue(room: Room) -> Catalog:
    """Return the room's .po. A room whose sources have no texts needs none and gets an empty catalogue."""
    if not room.po.exists():
        return Catalog(locale=LOCALE)
    with room.po.open("rb") as file:
        return read_po(file, locale=LOCALE)


def _key(message: Message) -> tuple[str, str | None]:
    return (message.id[0] if isinstance(message.id, list | tuple) else message.id), message.context


def _by_key(catalogue: Iterable[Message]) -> dict[tuple[str, str | None], Message]:
    return {_key(message): message for message in catalogue if message.id}


def _is_translated(message: Message) -> bool:
    if message.pluralizable:
        return isinstance(message.string, list | tuple) and len(message.string) == 2 and all(message.string)
    return bool(message.string)


@cache
def _their_texts() -> frozenset[tuple[str, str | None]]:
    found: set[tuple[str, str | None]] = set()
    for package in _THEIR_PACKAGES:
        binary = resources.files(package) / "locale" / LOCALE / "LC_MESSAGES" / "django.mo"
        if binary.is_file():
            found |= _by_key(read_mo(io.BytesIO(binary.read_bytes()))).keys()
    return frozenset(found)


def _is_theirs(message: Message) -> bool:
    return all(place.startswith(_OVERRIDES) for place, _line in message.locations) and _key(message) in _their_texts()


def untranslated(room: Room) -> list[Message]:
    """Return the texts of the sources that have no Finnish yet."""
    known = _by_key(read_catalogue(room))
    return [message for key, message in _by_key(texts_of(room)).items() if _lacks_finnish(message, known.get(key))]


def _lacks_finnish(message: Message, known: Message | None) -> bool:
    if known is None:
        return not _is_theirs(message)
    same_kind = known.pluralizable == message.pluralizable and (not message.pluralizable or known.id == message.id)
    return not same_kind or not _is_translated(known)


def _compiled(catalogue: Catalog) -> bytes:
    binary = io.BytesIO()
    write_mo(binary, catalogue)
    return binary.getvalue()


def _meaning(binary: bytes) -> tuple[dict[object, str], str | None]:
    translations = gettext.GNUTranslations(io.BytesIO(binary))
    texts = {key: text for key, text in translations._catalog.items() if key}  # type: ignore[attr-defined]
    return texts, translations.info().get("plural-forms")


def problems(room: Room) -> list[str]:
    """Return what is wrong with the room's catalogue, one line each; none when all is well."""
    catalogue = read_catalogue(room)
    found = _by_key(texts_of(room))
    said = [f"not translated: {message.id!r} ({_places(message)})" for message in untranslated(room)]
    for key, message in _by_key(catalogue).items():
        if message.fuzzy:
            said.append(f"fuzzy: {message.id!r}")
        if key not in found:
            said.append(f"no longer in the sources: {message.id!r}")
        said.extend(f"malformed: {message.id!r}: {error}" for error in message.check(catalogue))
    said.extend(f"left over (#~): {message.id!r}" for message in catalogue.obsolete.values())
    if room.po.exists():
        if not room.mo.exists():
            said.append("there is no .mo: run make catalogues")
        elif _meaning(room.mo.read_bytes()) != _meaning(_compiled(catalogue)):
            said.append("the .mo is not that of the .po: run make catalogues")
    return [f"{room.name}: {line}" for line in said]


def _places(message: Message) -> str:
    return ", ".join(dict.fromkeys(place for place, _line in message.locations))


def update(room: Room) -> list[str]:
    """Rewrite the room's .po in the order of the sources, keeping every translation that is still used.

    Return a line for each text that is new or was taken out, the latter with its translation.
    """
    old = read_catalogue(room)
    known = _by_key(old)
    found = _by_key(texts_of(room))
    new = Catalog(locale=LOCALE, header_comment=HEADER, project="aijuu-site", fuzzy=False, charset="utf-8")
    said = []
    for key, message in found.items():
        before = known.get(key)
        if before is None and _is_theirs(message):
            continue
        same_kind = before is not None and before.pluralizable == message.pluralizable
        new.add(
            message.id,
            string=before.string if before is not None and same_kind else "",
            locations=dict.fromkeys(message.locations),
            flags=before.flags - {"python-format", "python-brace-format"} if before is not None else (),
            user_comments=before.user_comments if before is not None else (),
            context=message.context,
        )
        if not same_kind:
            said.append(f"{room.name}: new: {message.id!r}")
    gone = [message for key, message in known.items() if key not in found] + list(old.obsolete.values())
    said.extend(f"{room.name}: taken out: {message.id!r} = {message.string!r}" for message in gone)
    if found or room.po.exists():
        room.po.parent.mkdir(parents=True, exist_ok=True)
        room.po.write_bytes(_as_po(new))
    return said


def _as_po(catalogue: Catalog) -> bytes:
    text = io.BytesIO()
    write_po(text, catalogue, width=110, include_lineno=False, omit_header=True)
    head = (
        f"{HEADER}\n"
        'msgid ""\n'
        'msgstr ""\n'
        f'"Language: {LOCALE}\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
    )
    return head.encode() + text.getvalue().lstrip().rstrip() + b"\n"


def compile_catalogue(room: Room) -> None:
    """Write the room's .mo whole: a running site may be reading it."""
    if room.po.exists():
        draft = room.mo.with_suffix(".mo.new")
        draft.write_bytes(_compiled(read_catalogue(room)))
        os.replace(draft, room.mo)


def main(mode: str) -> int:
    """Carry out one mode for every room; the exit code is 1 where `check` or `missing` found something."""
    if mode == "compile":
        for room in ROOMS:
            compile_catalogue(room)
        return 0
    if mode == "update":
        lines = [line for room in ROOMS for line in update(room)]
    elif mode == "missing":
        lines = [f"{room.name}: {text.id!r} ({_places(text)})" for room in ROOMS for text in untranslated(room)]
    else:
        lines = [line for room in ROOMS for line in problems(room)]
    print("\n".join(lines), end="\n" if lines else "")
    return 1 if lines and mode != "update" else 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("check", "missing", "update", "compile"):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
