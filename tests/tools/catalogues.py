"""`python -m tests.tools.catalogues check|update|compile`: the Finnish catalogues, with Babel in place of GNU gettext.

check    every text of an app is translated, nothing is fuzzy, left over or malformed, and the .mo is that of the .po
update   add new texts to the .po in the order of the sources; print what it takes out
compile  write the .mo files
"""

import gettext
import io
import os
import sys
from collections.abc import Iterator
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
HEADER = f"""# The Finnish texts. Written by hand; `make catalogues` adds new ones and compiles.
msgid ""
msgstr ""
"Language: {LOCALE}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""

# The site's versions of other packages' templates: texts that those packages translate stay in their catalogues.
_OVERRIDES = ("templates/modeladmin/", "templates/wagtailadmin/")
_THEIR_PACKAGES = ("wagtail.admin", "wagtail_modeladmin")

# For each function: which arguments are the text, the plural, and the context ("c").
_KEYWORDS = {
    "_": None,
    **{"gettext" + lazy: None for lazy in ("", "_lazy", "_noop")},
    **{"ngettext" + lazy: (1, 2) for lazy in ("", "_lazy")},
    **{"pgettext" + lazy: ((1, "c"), 2) for lazy in ("", "_lazy")},
    **{"npgettext" + lazy: ((1, "c"), 2, 3) for lazy in ("", "_lazy")},
}


@dataclass(frozen=True)
class App:
    """A catalogue, and the sources whose texts it contains."""

    name: str
    sources: tuple[str, ...]

    @property
    def po(self) -> Path:
        return ROOT / self.name / "locale" / LOCALE / "LC_MESSAGES" / "django.po"

    @property
    def mo(self) -> Path:
        return self.po.with_suffix(".mo")

    def files(self) -> Iterator[Path]:
        """Yield the source files, each once, in a stable order."""
        found = (path for pattern in self.sources for path in sorted(ROOT.glob(pattern)))
        for path in dict.fromkeys(found):
            if "migrations" not in path.parts:
                yield path


APPS = (
    App("home", ("home/**/*.py", "templates/*.html", "templates/components/**/*.*", "templates/home/**/*.*")),
    App("intake", ("intake/**/*.py", *(f"templates/{folder}/**/*.*" for folder in
                                        ("intake", "emails", "modeladmin", "wagtailadmin")))),
    App("aijuu_site", ("aijuu_site/**/*.py", *(f"templates/{folder}/**/*.*" for folder in
                        ("style_guide", "editors_guide", "wagtailsettings",
                         "accounts", "admin", "backup", "mfa", "problems", "usersessions")))),
)  # fmt: skip


def _python_like(path: Path) -> str:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return source
    # Django converts a template to Python-like source; the indentation of that is meaningless.
    return "\n".join(line.lstrip() for line in templatize(source, origin=str(path)).split("\n"))


def _texts_of(app: App) -> Catalog:
    """Return the app's texts without translations, in the order of the sources."""
    texts = Catalog(locale=LOCALE)
    for path in app.files():
        code = io.BytesIO(_python_like(path).encode())
        place = path.relative_to(ROOT).as_posix()
        for _line, message, _comments, context in extract("python", code, _KEYWORDS, options={"encoding": "utf-8"}):
            texts.add(message, locations=[(place, 0)], context=context)
    return texts


@cache
def _their_catalogues() -> list[Catalog]:
    binaries = [
        resources.files(package) / "locale" / LOCALE / "LC_MESSAGES" / "django.mo" for package in _THEIR_PACKAGES
    ]
    return [read_mo(io.BytesIO(binary.read_bytes())) for binary in binaries if binary.is_file()]


def _is_theirs(message: Message) -> bool:
    in_overrides = all(place.startswith(_OVERRIDES) for place, _line in message.locations)
    return in_overrides and any(theirs.get(message.id, message.context) for theirs in _their_catalogues())


def read_catalogue(app: App) -> Catalog:
    """Return the app's .po as a catalogue; an empty one if the app has no .po, since it needs none without texts."""
    if not app.po.exists():
        return Catalog(locale=LOCALE)
    with app.po.open("rb") as file:
        return read_po(file, locale=LOCALE)


def _updated(app: App) -> tuple[Catalog, list[Message]]:
    """Return the catalogue updated from the sources, and its new texts. Removed texts are in its `obsolete`."""
    catalogue = read_catalogue(app)
    left_over, catalogue.obsolete = dict(catalogue.obsolete), {}
    texts = _texts_of(app)
    new = [message for message in texts if message.id and catalogue.get(message.id, message.context) is None]
    for message in filter(_is_theirs, new):
        texts.delete(message.id, message.context)
    catalogue.update(texts, no_fuzzy_matching=True)
    catalogue.obsolete |= left_over
    return catalogue, [message for message in new if not _is_theirs(message)]


def _compiled(catalogue: Catalog) -> bytes:
    binary = io.BytesIO()
    write_mo(binary, catalogue)
    return binary.getvalue()


def _translations(binary: bytes) -> dict[object, str]:
    texts: dict[object, str] = gettext.GNUTranslations(io.BytesIO(binary))._catalog  # type: ignore[attr-defined]
    # Without the header, which contains the date.
    return {key: text for key, text in texts.items() if key}


def problems(app: App) -> list[str]:
    """Return what is wrong with the app's catalogue, one line each; none when all is well."""
    catalogue, _new = _updated(app)
    said = [f"no longer in the sources: {message.id!r}" for message in catalogue.obsolete.values()]
    for message in (message for message in catalogue if message.id):
        strings = message.string if isinstance(message.string, list | tuple) else [message.string]
        if not all(strings):
            said.append(f"not translated: {message.id!r} ({', '.join(place for place, _line in message.locations)})")
        else:
            said += [f"malformed: {message.id!r}: {error}" for error in message.check(catalogue)]
        if message.fuzzy:
            said.append(f"fuzzy: {message.id!r}")
    if app.po.exists():
        written = _translations(app.mo.read_bytes()) if app.mo.exists() else None
        if written != _translations(_compiled(read_catalogue(app))):
            said.append("the .mo is not that of the .po: run make catalogues")
    return [f"{app.name}: {line}" for line in said]


def update(app: App) -> list[str]:
    """Rewrite the app's .po in the order of the sources, keeping every translation that is still used.

    Return a line for each text that is new or was taken out, the latter with its translation.
    """
    catalogue, new = _updated(app)
    gone = catalogue.obsolete.values()
    text = io.BytesIO()
    write_po(text, catalogue, width=110, include_lineno=False, omit_header=True, ignore_obsolete=True)
    if len(catalogue) or app.po.exists():
        app.po.parent.mkdir(parents=True, exist_ok=True)
        app.po.write_bytes(HEADER.encode() + text.getvalue().strip() + b"\n")
    return [
        *(f"{app.name}: new: {message.id!r}" for message in new),
        *(f"{app.name}: taken out: {message.id!r} = {message.string!r}" for message in gone),
    ]


def compile_catalogue(app: App) -> None:
    """Write the app's .mo by renaming a complete file, since a running site may be reading it."""
    if app.po.exists():
        draft = app.mo.with_suffix(".mo.new")
        draft.write_bytes(_compiled(read_catalogue(app)))
        os.replace(draft, app.mo)


def main(mode: str) -> int:
    """Run one mode for every app. Return the exit status: 1 if `check` found problems."""
    if mode == "compile":
        for app in APPS:
            compile_catalogue(app)
        return 0
    lines = [line for app in APPS for line in (update(app) if mode == "update" else problems(app))]
    print("\n".join(lines), end="\n" if lines else "")
    return 1 if lines and mode == "check" else 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("check", "update", "compile"):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
