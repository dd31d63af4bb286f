"""The style guide: who may open it, that it is complete, and that its colours have enough contrast."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from aijuu_site import style_guide_examples as guide_blocks
from aijuu_site.style_guide import PAIRS, contrast, schemes
from home.blocks import BodyStreamBlock
from home.models import PauseNotice
from home.pause.rules import PauseState
from tests.accounts import make_user

pytestmark = pytest.mark.django_db
# The component for a page's <head> is not visible.
UNSEEN = {"components/page_head.html"}


def visitor_with(*permissions: str) -> Client:
    user = make_user("joku")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def guide(loaded_site: None) -> Any:
    """Return the response for a user whose only permission is the access to the admin."""
    return visitor_with("access_admin").get(reverse("style_guide"))


def test_style_guide_requires_login(client: Client) -> None:
    response = client.get(reverse("style_guide"))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("wagtailadmin_login"))


def test_style_guide_hidden_without_admin_access() -> None:
    response = visitor_with("view_enquiry").get(reverse("style_guide"))
    assert response.status_code in (302, 403)


@pytest.mark.parametrize("group", ["Työnohjaaja", "Sisällöntuottaja"])
def test_style_guide_is_open_to_admin_groups(client: Client, group: str) -> None:
    user = make_user("tekija")
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    assert client.get(reverse("style_guide")).status_code == 200


def test_style_guide_refuses_posts() -> None:
    assert visitor_with("access_admin").post(reverse("style_guide")).status_code == 405


def test_style_guide_works_without_content() -> None:
    assert visitor_with("access_admin").get(reverse("style_guide")).status_code == 200


def test_style_guide_shows_every_component(guide: Any) -> None:
    folder = settings.BASE_DIR / "templates"
    components = {path.relative_to(folder).as_posix() for path in (folder / "components").rglob("*.html")}
    assert len(components) > 20
    shown = {template.name for template in guide.templates}
    assert components - UNSEEN - shown == set()


def test_style_guide_names_file_of_every_component(guide: Any) -> None:
    """Each example shows the file of its template, so that one knows where to fix it."""
    files = " ".join(re.findall(r'<p class="guide__file"><code>([^<]*)</code>', guide.text))
    components = {path.name for path in (settings.BASE_DIR / "templates" / "components").rglob("*.html")}
    # One is in the <head>, the other is used inside a block.
    inside = {"page_head.html", "drawing_art.html"}
    assert {name for name in components if name not in files} == inside


def test_style_guide_shows_every_block(guide: Any) -> None:
    shown = {template.name for template in guide.templates}
    for name, block in BodyStreamBlock().child_blocks.items():
        assert block.meta.template in shown, name
        assert f'class="block block--{name}"' in guide.text, name
        assert f"templates/{block.meta.template}" in guide.text, name


def test_block_without_example_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class WithNewBlock(BodyStreamBlock):
        new = BodyStreamBlock().child_blocks["quote"].__class__()

    monkeypatch.setattr(guide_blocks, "BodyStreamBlock", WithNewBlock)
    with pytest.raises(KeyError, match="new"):
        guide_blocks.block_examples()


def test_style_guide_shows_every_pause_state(guide: Any) -> None:
    def notices(html: str) -> list[str]:
        return re.findall(r'<aside class="pause pause--([a-z]+)"', html)

    PauseNotice.objects.update(active=False)
    html = Client().get("/").text
    assert notices(html) == []
    assert set(notices(guide.text)) == {state.value for state in PauseState if state is not PauseState.OPEN}
    assert ">Odotuslista</a>" in guide.text


def test_style_guide_has_no_inline_code(guide: Any) -> None:
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", guide.text)


def test_style_guide_has_no_autofocus(guide: Any) -> None:
    assert "autofocus" not in guide.text


def test_style_guide_is_noindex(guide: Any) -> None:
    assert '<meta name="robots" content="noindex">' in guide.text


def test_style_guide_ids_are_unique(guide: Any) -> None:
    """If two radio buttons share an id, the label of one ticks the other."""
    ids = re.findall(r'\sid="([^"]+)"', guide.text)
    repeated = {name for name in ids if ids.count(name) > 1}
    assert repeated <= {"lost-line-sheet", "lost-line-ridge"}


def test_admin_help_menu_links_style_guide(client: Client) -> None:
    client.force_login(make_user("yllapito", is_superuser=True))
    assert reverse("style_guide") in client.get(reverse("wagtailadmin_home")).text


def test_all_colour_pairs_have_enough_contrast() -> None:
    for scheme in schemes():
        assert len(scheme.meetings) == len(PAIRS)
        for meeting in scheme.meetings:
            assert meeting.is_enough, f"{meeting.pair.front} / {meeting.pair.back}: {meeting.ratio:.2f}"


def test_dark_scheme_has_other_colours() -> None:
    light, dark = schemes()
    assert light.colours["paper"] != dark.colours["paper"]
    assert light.colours.keys() == dark.colours.keys()


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.48), ("#f2b632", "#f2b632", 1)]
)
def test_contrast_ratio_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)
    assert contrast(other, one) == contrast(one, other)


def test_style_guide_css_only_on_style_guide(guide: Any, client: Client) -> None:
    assert "css/style-guide" in guide.text
    assert "css/style-guide" not in client.get("/").text
    assert Path(settings.BASE_DIR, "static/css/style-guide.css").exists()
