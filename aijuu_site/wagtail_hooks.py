"""What the admin needs to run without Wagtail's documents, which nobody here uses."""

from typing import Any, NoReturn

from django.http import Http404, HttpRequest
from django.urls import URLPattern, path
from wagtail import hooks


class NoDocuments:
    """Wagtail names the address of its documents list on every page of the admin; it leads to nothing."""

    @classmethod
    def get_urlpatterns(cls) -> list[URLPattern]:
        return [path("", cls.refuse, name="listing")]

    @staticmethod
    def refuse(_request: HttpRequest, **_arguments: object) -> NoReturn:
        raise Http404


@hooks.register("construct_admin_api")
def add_documents_address(router: Any) -> None:
    router.register_endpoint("documents", NoDocuments)
