"""Nobody can delete, move or unpublish the front page in the admin, and the reason is shown."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from wagtail.models import GroupPagePermission, Page, Site

from home.models import ContentPage, HomePage
from tests.accounts import make_user

WHY = "Etusivua ei voi poistaa, siirtää eikä piilottaa"


RIGHTS = ["superuser", "Työnohjaaja", "Sisällöntuottaja"]


@pytest.fixture(params=RIGHTS)
def editor(request: Any, db: None) -> Client:
    user = make_user("joku", is_superuser=request.param == "superuser")
    if request.param != "superuser":
        user.groups.add(Group.objects.get(name=request.param))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def front(db: None) -> HomePage:
    front: HomePage = HomePage.objects.get()
    return front


@pytest.fixture
def page(front: HomePage) -> ContentPage:
    page: ContentPage = front.add_child(instance=ContentPage(title="Muu sivu", slug="muu"))
    return page


def front_page_is_intact(front: HomePage) -> bool:
    front.refresh_from_db()
    site = Site.objects.get(is_default_site=True)
    rights = GroupPagePermission.objects.filter(group__name="Sisällöntuottaja", page=front).count()
    return front.live and front.depth == 2 and site.root_page_id == front.pk and rights == 6


ADDRESSES = [
    "/admin/pages/{front}/delete/",
    "/admin/pages/{front}/unpublish/",
    "/admin/pages/{front}/move/",
    "/admin/pages/{front}/move/1/confirm/",
    "/admin/bulk/wagtailcore/page/delete/?next=/admin/&id={front}",
    "/admin/bulk/wagtailcore/page/delete/?next=/admin/&id={page}&id={front}",
    "/admin/bulk/wagtailcore/page/unpublish/?next=/admin/&id={front}",
    "/admin/bulk/wagtailcore/page/move/?next=/admin/&id={front}",
]


# The superuser is tested at every address, each other group at one page view and one bulk action.
REFUSED = [(address, RIGHTS[0]) for address in ADDRESSES] + [
    (address, rights) for address in (ADDRESSES[0], ADDRESSES[6]) for rights in RIGHTS[1:]
]


@pytest.mark.parametrize(("address", "editor"), REFUSED, indirect=["editor"])
def test_removing_front_page_is_refused_with_reason(
    address: str, editor: Client, front: HomePage, page: ContentPage
) -> None:
    address = address.format(front=front.pk, page=page.pk)
    for answer in (editor.get(address), editor.post(address, {"chooser": page.pk})):
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/pages/{front.pk}/edit/")
        assert WHY in str([str(message) for message in get_messages(answer.wsgi_request)])
    assert front_page_is_intact(front)
    assert ContentPage.objects.filter(pk=page.pk, live=True).exists()


def test_reason_is_shown_after_redirect(front: HomePage) -> None:
    client = Client()
    client.force_login(make_user("joku", is_superuser=True))
    answer = client.post(f"/admin/pages/{front.pk}/delete/", follow=True)
    assert answer.status_code == 200
    assert WHY in answer.content.decode()


@pytest.mark.parametrize("address", [address for address in ADDRESSES if "bulk" not in address])
def test_invalid_page_number_is_not_found(address: str, editor: Client) -> None:
    for method in (editor.get, editor.post):
        assert method(address.format(front="9" * 23)).status_code == 404


def test_bulk_action_on_all_keeps_front_page(editor: Client, front: HomePage) -> None:
    for action in ("delete", "unpublish"):
        editor.post(f"/admin/bulk/wagtailcore/page/{action}/?next=/admin/&id=all&childOf=1", {"type": "x"})
    assert front_page_is_intact(front)


def test_front_page_has_no_removal_buttons(editor: Client, front: HomePage) -> None:
    pages = editor.get(f"/admin/pages/{front.pk}/edit/"), editor.get(f"/admin/pages/{front.pk}/")
    for answer in pages:
        text = answer.content.decode()
        for action in ("delete", "unpublish", "move"):
            assert f"/admin/pages/{front.pk}/{action}/" not in text
    assert f'"/admin/pages/{front.pk}/edit/' in pages[1].content.decode()


def test_other_pages_are_deleted_and_hidden(editor: Client, front: HomePage, page: ContentPage) -> None:
    assert editor.post(f"/admin/pages/{page.pk}/unpublish/").status_code == 302
    assert not ContentPage.objects.get(pk=page.pk).live
    assert editor.post(f"/admin/pages/{page.pk}/delete/").status_code == 302
    assert not ContentPage.objects.filter(pk=page.pk).exists()


def test_front_page_never_expires(front: HomePage) -> None:
    front.expire_at = timezone.now() + timedelta(days=1)
    with pytest.raises(ValidationError, match="Tätä sivua ei voi ajastaa katoamaan"):
        front.full_clean()
    other = ContentPage(title="Muu", slug="muu", expire_at=timezone.now() + timedelta(days=1))
    front.refresh_from_db()
    front.add_child(instance=other)
    assert ContentPage.objects.get().expire_at


def test_root_page_and_ancestors_cannot_be_removed(front: HomePage, page: ContentPage) -> None:
    """Also when another page is the root page of the site."""
    Site.objects.update(root_page=page)
    superuser = make_user("joku", is_superuser=True)
    assert not page.permissions_for_user(superuser).can_delete()
    assert not front.permissions_for_user(superuser).can_delete()
    # A listing uses plain Page instances, whose type is not known.
    assert not Page.objects.get(pk=front.pk).permissions_for_user(superuser).can_unpublish()
    assert not Page.objects.get(pk=page.pk).permissions_for_user(superuser).can_move()


def test_other_pages_move_by_wagtails_rules(front: HomePage, page: ContentPage) -> None:
    below = page.add_child(instance=ContentPage(title="Alempi", slug="alempi"))
    rights = page.permissions_for_user(make_user("joku", is_superuser=True))
    assert not rights.can_move_to(below)
    assert rights.can_move_to(front)


SITE_CHANGES: dict[str, dict[str, str | None]] = {
    "not default": {"is_default_site": None},
    "another page": {"root_page": "page"},
    "root": {"root_page": "1"},
}


@pytest.mark.parametrize("change", [*SITE_CHANGES, "deleted"])
def test_default_site_cannot_be_removed(change: str, front: HomePage, page: ContentPage) -> None:
    client = Client()
    client.force_login(make_user("joku", is_superuser=True))
    site = Site.objects.get()
    form = {"hostname": site.hostname, "port": site.port, "site_name": "Aijuu", "root_page": front.pk}
    form["is_default_site"] = "on"
    if change == "deleted":
        answer = client.post(f"/admin/sites/delete/{site.pk}/", follow=True)
    else:
        form |= {name: page.pk if value == "page" else value for name, value in SITE_CHANGES[change].items()}
        form = {name: value for name, value in form.items() if value is not None}
        answer = client.post(f"/admin/sites/edit/{site.pk}/", form, follow=True)
    assert "Tämä on sivusto itse." in answer.content.decode()
    assert front_page_is_intact(front)


def test_site_hostname_can_be_changed(front: HomePage) -> None:
    client = Client()
    client.force_login(make_user("joku", is_superuser=True))
    site = Site.objects.get()
    form = {"hostname": "uusi.example.fi", "port": 80, "site_name": "Aijuu", "root_page": front.pk}
    assert client.post(f"/admin/sites/edit/{site.pk}/", {**form, "is_default_site": "on"}).status_code == 302
    assert Site.objects.get().hostname == "uusi.example.fi"
    Site.objects.create(hostname="toinen.example.fi", root_page=front)
    other = Site.objects.get(is_default_site=False)
    assert client.post(f"/admin/sites/delete/{other.pk}/").status_code == 302
    assert Site.objects.count() == 1


def test_anonymous_request_redirects_to_login(front: HomePage) -> None:
    answer = Client().post(f"/admin/pages/{front.pk}/delete/")
    assert answer["Location"].startswith("/admin/login/")
    assert front_page_is_intact(front)
