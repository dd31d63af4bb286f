"""The editor's guide: who may read it, that its pictures exist, and that its labels match those of the admin."""

import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import trans_real

from aijuu_site.editors_guide import PICTURES_FOLDER as PICTURES
from aijuu_site.editors_guide import SOURCE, PictureFile, anchor_of, labels_of, pictures_of, read_guide
from home.models import HomePage
from tests.accounts import make_user

ADDRESS = "/admin/opas/"
LARGEST = 1_500_000


def source() -> str:
    return SOURCE.read_text(encoding="utf-8")


def any_picture_file(name: str) -> PictureFile:
    return PictureFile(name, 1, 1)


def account(group: str) -> Client:
    user = make_user(group)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


@cache
def shown_texts() -> frozenset[str]:
    """Return all Finnish texts of the admin, each also with a capital letter as in a field's label."""
    texts: set[str] = set()
    for domain in ("django", "djangojs"):
        catalogue = trans_real.DjangoTranslation("fi", domain=domain)._catalog  # type: ignore[attr-defined]
        texts |= {str(text) for key, text in catalogue.items() if key}
    return frozenset(form for text in texts for form in (text, capfirst(text)))


@pytest.mark.once
def test_bold_labels_in_guide_match_screen_texts() -> None:
    labels = set(labels_of(source()))
    assert len(labels) > 40
    assert sorted(label for label in labels if label not in shown_texts()) == []


@pytest.mark.once
@pytest.mark.parametrize("label", ["Julkaise sivut", "julkaise", "Tallenna  luonnos"])
def test_label_missing_from_screen_is_detected(label: str) -> None:
    assert label not in shown_texts()


@pytest.mark.once
def test_guide_pictures_and_picture_files_match() -> None:
    named = [picture.path for picture in pictures_of(source())]
    assert len(named) == len(set(named)) > 15
    assert sorted(named) == sorted(f"opas/{path.name}" for path in PICTURES.iterdir())


@pytest.mark.once
def test_every_guide_picture_has_alt_text() -> None:
    alts = [picture.alt for picture in pictures_of(source())]
    assert all(len(alt) > 20 and alt.endswith(".") for alt in alts), alts
    assert len(set(alts)) == len(alts)


@pytest.mark.once
def test_guide_pictures_have_limited_size() -> None:
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < LARGEST


@pytest.mark.once
def test_guide_describes_every_block_with_picture() -> None:
    guide = read_guide(source(), picture_file=any_picture_file)
    [chapter] = [chapter for chapter in guide.chapters if chapter.title.startswith("Lohkot")]
    parts = chapter.html.split("<h3 ")[1:]
    with_picture = {re.sub(r".*?>(.*?)</h3>.*", r"\1", part, flags=re.S) for part in parts if "<img" in part}
    blocks = HomePage._meta.get_field("body").stream_block.child_blocks.values()
    assert with_picture == {str(block.label) for block in blocks}


@pytest.mark.once
def test_guide_headings_nest_with_unique_ids() -> None:
    levels = [len(marks) for marks in re.findall(r"^(#+) ", source(), re.M)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    anchors = [anchor_of(title) for title in re.findall(r"^##+ (.*)$", source(), re.M)]
    assert len(anchors) == len(set(anchors))
    assert all(anchors)


@pytest.mark.once
def test_guide_html_escaped_javascript_links_removed() -> None:
    text = '# A\n\n<script>alert(1)</script> **B <i>c</i>**\n\n## D\n\n[e](javascript:alert(1)) ![f"<](opas/g.png)\n'
    guide = read_guide(text, picture_file=lambda name: PictureFile(f'/x"/{name}', 7, 9))
    assert "<script" not in guide.introduction
    assert "&lt;script&gt;" in guide.introduction
    [chapter] = guide.chapters
    assert (chapter.title, chapter.anchor) == ("D", "d")
    assert "javascript:" not in re.sub(r">[^<]*<", "><", chapter.html)
    assert '<img src="/x&quot;/g.png" alt="f&quot;&lt;" width="7" height="9" loading="lazy">' in chapter.html


@pytest.mark.once
def test_guide_without_title_is_an_error() -> None:
    with pytest.raises(ValueError, match="title"):
        read_guide("Moi", picture_file=any_picture_file)


@pytest.mark.parametrize("group", ["Työnohjaaja", "Sisällöntuottaja"])
def test_both_groups_open_guide_from_admin_menu(group: str, loaded_site: None) -> None:
    client = account(group)
    front = client.get("/admin/").content.decode()
    assert '"Sivuston opas"' in front
    assert f'"{ADDRESS}"' in front
    page = client.get(ADDRESS).content.decode()
    for chapter in read_guide(source(), picture_file=any_picture_file).chapters:
        assert f'<a href="#{chapter.anchor}">{chapter.title}</a>' in page
        assert page.count(f'id="{chapter.anchor}"') == 1


def test_guide_and_pictures_require_login(loaded_site: None, client: Client) -> None:
    name = Path(pictures_of(source())[0].path).name
    address = reverse("editors_guide_picture", args=[name])
    assert address in account("Sisällöntuottaja").get(ADDRESS).content.decode()
    response = account("Työnohjaaja").get(address)
    assert response["Content-Type"] == "image/png"
    assert b"".join(response.streaming_content).startswith(b"\x89PNG")  # type: ignore[attr-defined]
    for secret in (ADDRESS, address):
        refused = client.get(secret)
        assert refused.status_code == 302
        assert refused["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("name", ["eiole.png", "..", "../sivuston-opas.md", "%2e%2e%2fsivuston-opas.md", "..%5cx.png"])
def test_guide_serves_only_its_pictures(name: str, loaded_site: None) -> None:
    assert account("Työnohjaaja").get(f"{ADDRESS}{name}", follow=True).status_code == 404


def test_history_offers_reverting_to_first_revision(loaded_site: None) -> None:
    """The guide's chapter on old versions also applies to the initial content."""
    page = HomePage.objects.get(slug="etusivu")
    first = page.latest_revision
    page.title = "Uusi"
    page.save_revision(log_action=True).publish()
    address = reverse("wagtailadmin_pages:revisions_revert", args=[page.pk, first.pk])
    history = account("Työnohjaaja").get(reverse("wagtailadmin_pages:history", args=[page.pk]))
    assert f'href="{address}"' in history.content.decode()


def test_admin_links_to_existing_guide_chapters() -> None:
    """Each part of the guide that the admin links to exists."""
    anchors = {anchor_of(title) for title in re.findall(r"^##+ (.*)$", source(), re.M)}
    root = SOURCE.parent.parent
    linked = {
        anchor
        for folder in ("templates", "home", "intake", "aijuu_site")
        for path in (root / folder).rglob("*.*")
        if path.suffix in (".html", ".py")
        for anchor in re.findall(r"editors_guide['\"]\s*(?:%\}|\)\}?)#([\w-]+)", path.read_text(encoding="utf-8"))
    }
    assert linked - anchors == set()
    assert linked
