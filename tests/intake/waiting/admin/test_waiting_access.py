"""Who may open the waiting list and the return plan, and that no input breaks their pages."""

import logging

import pytest
from django.test import Client

from intake.choices import Status
from intake.models import Enquiry, EnquiryStep
from intake.waiting.models import ReturnPlan, WaitingPlace
from tests.intake.desk.pages import words
from tests.intake.desk.people import signed_in, user_with
from tests.intake.waiting.admin.waiters import RETURN, STOP, WAITING, ahead, back, waiting

FRONT = "/admin/"
NONSENSE = ("", "0", "-1", "1e9", "x", "ÄÄÄ\u202e", "9" * 30)


@pytest.fixture
def second(db: None) -> Enquiry:
    """The second on the list."""
    waiting("Aino Ensimmäinen")
    return waiting("Bertta Salaisuus")


def every_address(enquiry: Enquiry) -> list[str]:
    return [
        WAITING,
        f"{WAITING}?form=group",
        ahead(enquiry),
        back(enquiry),
        f"{WAITING}karkeen/999999/",
        RETURN,
        STOP,
    ]


def everything() -> list[object]:
    return [list(model.objects.values()) for model in (Enquiry, WaitingPlace, EnquiryStep, ReturnPlan)]


def posted(enquiry: Enquiry) -> dict[str, object]:
    """Return the fields of all forms of these pages together."""
    return {
        "version": enquiry.version, "reason": "Kiire", "action": "start", "per_day": 5, "answer_days": 14,
        "first_form": "", "greeting": "", "shown_digest": "", "plan": 1,
    }  # fmt: skip


def assert_refused(client: Client, enquiry: Enquiry, statuses: set[int]) -> None:
    before = everything()
    for path in every_address(enquiry):
        for response in (client.get(path), client.post(path, posted(enquiry))):
            assert response.status_code in statuses, path
            assert "Salaisuus" not in response.content.decode(), path
    assert everything() == before


def test_editor_gets_403_on_waiting_views(editor: Client, second: Enquiry) -> None:
    assert_refused(editor, second, {403})


def test_anonymous_user_is_redirected_to_login(second: Enquiry) -> None:
    assert_refused(Client(), second, {302})
    assert Client().get(WAITING).headers["Location"].startswith("/admin/login/")


def test_account_without_admin_access_stays_at_login(stranger: Client, second: Enquiry) -> None:
    assert_refused(stranger, second, {302, 403})


def test_action_permissions_without_view_open_no_waiting_view(second: Enquiry) -> None:
    rights = (f"intake.{action}_enquiry" for action in ("change", "delete", "export"))
    assert_refused(signed_in(user_with("wagtailadmin.access_admin", *rights)), second, {403})


def test_editor_dashboard_does_not_mention_waiting_list(editor: Client, second: Enquiry, loaded_site: None) -> None:
    page = editor.get(FRONT).content.decode()
    assert "odotuslista" not in page
    assert "Odotuslista" not in page


def test_read_only_user_cannot_change_waiting_list(reader: Client, second: Enquiry) -> None:
    before = everything()
    for path in (WAITING, RETURN):
        page = reader.get(path)
        assert page.status_code == 200
        assert "Bertta Salaisuus" in words(page)
        inside = page.content.decode().split("<main", 1)[-1]
        assert "<form" not in inside
        assert "/karkeen/" not in inside
    inside = reader.get(f"/admin/yhteydenotot/inspect/{second.pk}/").content.decode().split("<main", 1)[-1]
    assert "Odotuslistan numero 2" in inside
    assert "/karkeen/" not in inside
    for path in (ahead(second), back(second), RETURN, STOP):
        assert reader.post(path, posted(second)).status_code == 403, path
    assert reader.get(ahead(second)).status_code == 403
    assert everything() == before


def test_unsupported_methods_are_rejected(kati: Client, second: Enquiry) -> None:
    before = everything()
    assert kati.post(WAITING).status_code == 405
    assert kati.get(back(second)).status_code == 405
    assert kati.get(STOP).status_code == 405
    for path in every_address(second):
        assert kati.delete(path).status_code in (404, 405), path
    assert everything() == before


def test_unknown_waiting_enquiry_is_not_found(kati: Client, second: Enquiry) -> None:
    for path in (
        *(f"karkeen/{target}/" for target in ("999999", "999999999999999999", "9" * 19, "-1", "x", "1' OR '1'='1")),
        "takaisin/999999/",
    ):
        assert kati.get(f"{WAITING}{path}").status_code in (404, 405), path
        assert kati.post(f"{WAITING}{path}", {"version": 1, "reason": "x"}).status_code == 404, path


def test_no_input_breaks_a_page(kati: Client, second: Enquiry) -> None:
    before = everything()
    for value in NONSENSE:
        assert kati.get(WAITING, dict.fromkeys(("form", "p", "version"), value)).status_code == 200, value
        assert kati.post(ahead(second), {"version": value, "reason": "Kiire"}).status_code in (409, 422), value
        assert kati.post(back(second), {"version": value}).status_code == 302, value
        assert kati.post(STOP, {"plan": value, "version": value}).status_code == 302, value
        # The digest and the action are checked only if the fields are valid.
        plan = {"per_day": "5", "answer_days": "14", "greeting": "", "action": "start", "shown_digest": ""}
        fields = dict.fromkeys(("per_day", "answer_days", "first_form"), value)
        assert kati.post(RETURN, plan | fields).status_code in (409, 422), value
    for value in NONSENSE[4:6]:
        assert kati.post(RETURN, {**plan, "shown_digest": value}).status_code == 409, value
        assert kati.post(RETURN, {**plan, "action": value}).status_code in (200, 409, 422), value
        assert kati.get(RETURN, dict.fromkeys(plan, value)).status_code == 200, value
    assert everything() == before
    # A null character is rejected or removed.
    assert kati.post(ahead(second), {"version": second.version, "reason": "x\x00"}).status_code in (302, 400)
    assert kati.post(RETURN, {"per_day": "5", "answer_days": "14", "greeting": "\x00"}).status_code in (400, 422)


def test_posts_require_a_csrf_token(second: Enquiry) -> None:
    user = user_with("wagtailadmin.access_admin", "intake.view_enquiry", "intake.change_enquiry")
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    before = everything()
    for path in (ahead(second), back(second), RETURN, STOP):
        assert client.post(path, posted(second)).status_code == 403, path
    assert everything() == before


def test_logs_and_repr_contain_no_personal_data(
    kati: Client, second: Enquiry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kati.get(WAITING)
    kati.post(ahead(second), {"version": second.version, "reason": "Arkaluonteinen syy"})
    kati.post(ahead(second), {"version": second.version, "reason": "Arkaluonteinen syy"})
    kati.get(RETURN)
    place = WaitingPlace.objects.get(enquiry=second)
    assert place.move_reason == "Arkaluonteinen syy"
    for shown in (caplog.text, str(place), repr(place), str(ReturnPlan(greeting="Arkaluonteinen syy"))):
        assert "Salaisuus" not in shown
        assert "Arkaluonteinen" not in shown
        assert second.email not in shown


def test_pages_are_finnish_and_not_cached(kati: Client, second: Enquiry) -> None:
    for path in (WAITING, ahead(second), RETURN):
        response = kati.get(path)
        assert '<html lang="fi"' in response.content.decode(), path
        assert "private" in response.headers["Cache-Control"] or "no-store" in response.headers["Cache-Control"], path


def test_admin_menu_links_to_the_list(kati: Client, second: Enquiry) -> None:
    assert f'"{WAITING}"' in kati.get(FRONT).content.decode()
    assert second.status == Status.WAITING_LIST
