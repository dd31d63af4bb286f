"""The admin is in Finnish: aijuu_site/wagtail_locale has the translations that Wagtail lacks (docs/upgrading.md)."""

import gettext
import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import django
import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.apps import apps
from django.contrib.auth.models import Group
from django.test import Client
from django.utils.translation import trans_real

from tests.accounts import make_user

ROOT = Path(__file__).resolve().parent.parent.parent
OWN_APPS = ("home", "intake", "aijuu_site")
DOMAINS = ("django", "djangojs")

# Places whose texts are never shown. A text that occurs only in these needs no Finnish.
LEFT_OUT_PLACES = {
    "templates/wagtailadmin/notifications/": "mails of workflows and comments, both switched off",
    "templates/wagtailadmin/workflows/": "WAGTAIL_WORKFLOW_ENABLED is off",
    "templates/wagtailadmin/shared/workflow_history/": "WAGTAIL_WORKFLOW_ENABLED is off",
    "templates/wagtailadmin/generic/confirm_workflow_cancellation.html": "WAGTAIL_WORKFLOW_ENABLED is off",
    "templates/wagtailadmin/pages/confirm_workflow_cancellation.html": "WAGTAIL_WORKFLOW_ENABLED is off",
    "templates/wagtailadmin/home/user_objects_in_workflow_moderation.html": "WAGTAIL_WORKFLOW_ENABLED is off",
    "templates/wagtailadmin/home/workflow_objects_to_moderate.html": "WAGTAIL_WORKFLOW_ENABLED is off",
    "views/workflows.py": "WAGTAIL_WORKFLOW_ENABLED is off",
    "views/reports/workflows.py": "WAGTAIL_WORKFLOW_ENABLED is off",
    "views/generic/workflow.py": "WAGTAIL_WORKFLOW_ENABLED is off",
    "views/pages/workflow.py": "WAGTAIL_WORKFLOW_ENABLED is off",
    "models/workflows.py": "WAGTAIL_WORKFLOW_ENABLED is off",
}
# Texts with this word are never shown: WAGTAIL_I18N_ENABLED is off, so no page has a translation.
LEFT_OUT_WORD = "translat"
# Errors of Django that only programmers see.
LEFT_OUT_TEXTS = {"%(model)s instance with %(field)s %(value)r is not a valid choice."}
# Placeholders that a translation may omit, because Finnish would have to inflect the value. The user who saved a
# version is "None" for the initial content; the history shows the user of every other version.
MAY_BE_DROPPED = {"%(model_name)s", "%(username)s", "%(user)s"}

# Wagtail templates of which ours are changed copies. When a checksum differs, merge the change and renew the checksum.
COPIED = {
    "home/account_summary.html": "ff5c7d30e46778c3",
    "logo.html": "56cf5752ce44464c",
    "shared/headers/_actions.html": "facea723b6b91762",
    "shared/pagination_nav.html": "4d6da73d6fef03c3",
}


@dataclass(frozen=True)
class Text:
    """A translatable English text of an installed app."""

    app: str
    domain: str
    message: Message

    @property
    def keys(self) -> list[str | tuple[str, int]]:
        """Return the keys of its Finnish in gettext's catalogue: one, or one for each plural form."""
        ids = self.message.id
        single = ids if isinstance(ids, str) else ids[0]
        key = f"{self.message.context}\x04{single}" if self.message.context else single
        return [key] if isinstance(ids, str) else [(key, 0), (key, 1)]

    @property
    def is_left_out(self) -> bool:
        places = [place for place, _line in self.message.locations]
        nowhere_shown = bool(places) and all(place.startswith(tuple(LEFT_OUT_PLACES)) for place in places)
        words = texts_in(self.message.id)
        return nowhere_shown or any(LEFT_OUT_WORD in text or text in LEFT_OUT_TEXTS for text in words)


def texts_in(ids: object) -> list[str]:
    return [ids] if isinstance(ids, str) else [str(text) for text in ids]  # type: ignore[attr-defined]


def english_texts() -> Iterator[Text]:
    folders = {app.name: Path(app.path) / "locale" for app in apps.get_app_configs() if app.name not in OWN_APPS}
    folders["django"] = Path(django.__file__).parent / "conf" / "locale"
    for name, folder in folders.items():
        for domain in DOMAINS:
            path = folder / "en" / "LC_MESSAGES" / f"{domain}.po"
            if path.exists():
                with path.open("rb") as file:
                    yield from (Text(name, domain, message) for message in read_po(file) if message.id)


def finnish(domain: str) -> trans_real.TranslationCatalog:
    """Return the Finnish catalogue that Django uses: those of all apps, merged as Django merges them."""
    return trans_real.DjangoTranslation("fi", domain=domain)._catalog  # type: ignore[attr-defined, no-any-return]


def supplement_path(domain: str) -> Path:
    return ROOT / "aijuu_site" / "wagtail_locale" / "fi" / "LC_MESSAGES" / f"{domain}.po"


def supplement(domain: str) -> list[Message]:
    with supplement_path(domain).open("rb") as file:
        return [message for message in read_po(file, locale="fi") if message.id]


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]|\{\w+\}", text))


def tags(text: str) -> list[str]:
    return sorted(re.findall(r"<[^>]+>", text))


@pytest.mark.once
@pytest.mark.parametrize("domain", DOMAINS)
def test_every_admin_text_has_finnish_translation(domain: str) -> None:
    known = finnish(domain)
    texts = [text for text in english_texts() if text.domain == domain]
    assert len(texts) > 50
    missing = [
        f"{text.app}: {text.message.id!r} ({text.message.locations[0][0] if text.message.locations else '?'})"
        for text in texts
        if not text.is_left_out and not all(known.get(key) for key in text.keys)
    ]
    assert missing == []


@pytest.mark.once
def test_excluded_translation_locations_still_exist() -> None:
    places = {place for text in english_texts() for place, _line in text.message.locations}
    gone = [start for start in LEFT_OUT_PLACES if not any(place.startswith(start) for place in places)]
    assert gone == []


@pytest.mark.once
@pytest.mark.parametrize("domain", DOMAINS)
def test_supplement_has_no_unused_translations(domain: str) -> None:
    asked = {(str(text.message.id), text.message.context) for text in english_texts() if text.domain == domain}
    left_over = [message.id for message in supplement(domain) if (str(message.id), message.context) not in asked]
    assert left_over == []


@pytest.mark.once
@pytest.mark.parametrize("domain", DOMAINS)
def test_supplement_translations_are_shown(domain: str) -> None:
    known = finnish(domain)
    for message in supplement(domain):
        for key, text in zip(Text("", domain, message).keys, texts_in(message.string), strict=True):
            assert known[key] == text


@pytest.mark.once
@pytest.mark.parametrize("domain", DOMAINS)
def test_supplement_is_well_formed(domain: str) -> None:
    for message in supplement(domain):
        assert not message.fuzzy, message.id
        english, translated = texts_in(message.id), texts_in(message.string)
        assert len(english) == len(translated)
        assert all(translated), message.id
        # The English singular may contain a literal number ("1 page"), but the plural has every placeholder.
        for text in translated:
            assert placeholders(text) <= placeholders(english[-1]), message.id
        assert placeholders(english[-1]) - placeholders(translated[-1]) <= MAY_BE_DROPPED, message.id
        assert tags(translated[-1]) == tags(english[-1]), message.id


@pytest.mark.once
@pytest.mark.parametrize("domain", DOMAINS)
def test_compiled_supplement_matches_source(domain: str) -> None:
    path = supplement_path(domain)
    with path.open("rb") as file:
        binary = io.BytesIO()
        write_mo(binary, read_po(file, locale="fi"))
    binary.seek(0)
    fresh = gettext.GNUTranslations(binary)
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    own = lambda catalogue: {key: text for key, text in catalogue._catalog.items() if key}  # noqa: E731
    assert own(compiled) == own(fresh), "run: pybabel compile (docs/upgrading.md)"


@pytest.mark.once
def test_app_does_not_override_admin_translations() -> None:
    """All apps share one catalogue: our own translation of "History" would also apply to Wagtail's history."""
    theirs: dict[object, set[str]] = {}
    # allauth is left out, because none of its own pages is shown.
    others = [app for app in apps.get_app_configs() if app.name not in (*OWN_APPS, "allauth")]
    folders = [Path(app.path) / "locale" for app in others]
    for folder in (*folders, Path(django.__file__).parent / "conf" / "locale", supplement_path("django").parents[2]):
        path = folder / "fi" / "LC_MESSAGES" / "django.mo"
        if path.exists():
            with path.open("rb") as file:
                for key, text in gettext.GNUTranslations(file)._catalog.items():  # type: ignore[attr-defined]
                    theirs.setdefault(key, set()).add(text)
    changed = []
    for app in OWN_APPS:
        with (ROOT / app / "locale" / "fi" / "LC_MESSAGES" / "django.mo").open("rb") as file:
            own = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
        changed += [f"{app}: {key!r}" for key, text in own.items() if key and text not in theirs.get(key, {text})]
    # Our "Text" may differ: Django's is the description of a database column.
    assert changed in ([], ["home: 'Text'"])


@pytest.mark.once
@pytest.mark.parametrize("name", COPIED)
def test_original_of_copied_template_is_unchanged(name: str) -> None:
    original = resources.files("wagtail.admin") / "templates" / "wagtailadmin" / name
    assert (ROOT / "templates" / "wagtailadmin" / name).exists()
    assert hashlib.sha256(original.read_bytes()).hexdigest()[:16] == COPIED[name], "see docs/upgrading.md"


@pytest.fixture
def supervisor(client: Client, loaded_site: None) -> Client:
    """Return a client that is signed in as a member of the supervisor's group, not a superuser."""
    user = make_user(password="kuusen-alla-istuu-7-lasta")
    user.groups.add(Group.objects.get(name="Työnohjaaja"))
    client.force_login(user)
    return client


def menu_names(html: str) -> set[str]:
    """Return the names of all items of the side menu and its submenus, from the JSON data in the page."""
    props = re.search(r'<script id="wagtail-sidebar-props" type="application/json">(.*?)</script>', html, re.S)
    assert props
    names: set[str] = set()

    def collect(node: object) -> None:
        if isinstance(node, dict):
            if str(node.get("_type", "")).endswith("MenuItem"):
                names.add(node["_args"][0]["name"])
            collect(list(node.values()))
        elif isinstance(node, list):
            for part in node:
                collect(part)

    collect(json.loads(props[1]))
    return names


@pytest.mark.django_db
def test_login_page_is_finnish_with_site_name(client: Client) -> None:
    html = client.get("/admin/login/").content.decode()
    assert "Kirjaudu ylläpitoon" in html
    assert "Salasana" in html
    assert "Password" not in html
    assert "Wagtail" not in re.sub(r"<script.*?</script>", "", html, flags=re.S)
    assert re.search(r"<title>\s*Kirjaudu sisään - \s*Aijuu työnohjaus\s*</title>", html)
    assert "img/favicon.svg" in html


def test_dashboard_shows_no_wagtail_guide_or_gravatar(supervisor: Client) -> None:
    html = supervisor.get("/admin/").content.decode()
    assert "Hae kaikista sivuista…" in html
    assert "guide.wagtail.org" not in html
    assert "gravatar" not in html


def test_supervisor_menu_items(supervisor: Client) -> None:
    html = supervisor.get("/admin/").content.decode()
    names = menu_names(html)
    assert {"explorer", "images", "settings", "help", "editors-guide", "checklist"} <= names
    assert not {"documents", "reports", "workflows", "users", "redirects"} & names


def test_superuser_menu_has_no_wagtail_links(admin_client: Client, loaded_site: None) -> None:
    html = admin_client.get("/admin/").content.decode()
    assert {"reports", "help", "keyboard-shortcuts-trigger"} <= menu_names(html)
    assert "documents" not in menu_names(html)
    assert "wagtail.org" not in html


def test_view_draft_csp_allows_framing_by_self(supervisor: Client) -> None:
    page = re.search(r"/admin/pages/(\d+)/edit/", supervisor.get("/admin/pages/", follow=True).content.decode())
    assert page
    response = supervisor.get(f"/admin/pages/{page[1]}/view_draft/")
    assert response.status_code == 200
    assert "frame-ancestors 'self'" in response["Content-Security-Policy"]
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]


def test_admin_404_links_back_without_wagtail_name(supervisor: Client) -> None:
    response = supervisor.get("/admin/eiole/")
    assert response.status_code == 404
    html = response.content.decode()
    assert "Siirry ylläpitoon" in html
    assert "Wagtail" not in html
