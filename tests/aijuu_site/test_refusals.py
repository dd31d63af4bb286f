"""Requests that are refused before any view runs, and never with a server error."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1:80@evil.example", "a b"])
def test_foreign_host_name_is_refused(client: Client, loaded_site: None, host: str) -> None:
    response = client.get("/", headers={"host": host})
    assert response.status_code == 400
    assert "evil" not in response.content.decode()


def test_own_host_name_is_accepted(client: Client, loaded_site: None) -> None:
    assert client.get("/", headers={"host": "127.0.0.1"}).status_code == 200


@pytest.mark.parametrize(
    "address",
    ["/%00", "/yksilotyonohjaus%00/", "/?q=%00", "/?%00=1", "/media/a%00.svg", "/admin/login/?next=%00", "/static/%00"],
)
def test_nul_byte_in_url_is_400(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 400
    assert response["Content-Security-Policy"].count("'none'")


@pytest.mark.parametrize("fields", [{"username": "kati\x00"}, {"user\x00name": "kati"}])
def test_nul_byte_in_admin_form_is_400(client: Client, fields: dict[str, str]) -> None:
    response = client.post("/admin/login/", {"username": "kati", "password": "x", **fields})
    assert response.status_code == 400


def test_nul_byte_in_upload_filename_not_5xx(admin_client: Client) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a\x00.svg"\r\n'
        b"Content-Type: image/svg+xml\r\n\r\n<svg/>\r\n--b--\r\n"
    )
    response = admin_client.post("/admin/images/add/", body, content_type="multipart/form-data; boundary=b")
    assert response.status_code < 500


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_health_and_media_accept_only_get(client: Client, method: str) -> None:
    assert getattr(client, method)("/health/live").status_code == 405
    assert getattr(client, method)("/media/a.svg").status_code == 405


def test_non_utf8_url_gives_no_server_error(client: Client, loaded_site: None) -> None:
    assert client.get("/%ff%fe/").status_code in (400, 404)
    assert client.get("/?q=%ff").status_code == 200
