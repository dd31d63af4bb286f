"""The guide and its pictures, for everybody who may come to the admin."""

from pathlib import Path

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe
from PIL import Image

from aijuu_site.editors_guide.document import PictureFile, read_guide

SOURCE: Path = settings.BASE_DIR / "docs" / "sivuston-opas.md"
PICTURES: Path = settings.BASE_DIR / "docs" / "opas"


@require_safe
def guide(request: HttpRequest) -> TemplateResponse:
    """Show the guide as one page: the browser's own search and printing work on all of it."""
    source = SOURCE.read_text(encoding="utf-8")
    context = {"guide": read_guide(source, picture_file=_file)}
    return TemplateResponse(request, "editors_guide/guide.html", context)


def _file(name: str) -> PictureFile:
    with Image.open(PICTURES / name) as image:
        return PictureFile(reverse("editors_guide_picture", args=[name]), image.width, image.height)


@require_safe
def picture(request: HttpRequest, name: str) -> FileResponse:
    """Send one of the guide's pictures. `name` is a file's name alone: the address takes no slash."""
    path = PICTURES / name
    if path.suffix != ".png" or path.parent != PICTURES or not path.is_file():
        raise Http404
    return FileResponse(path.open("rb"), content_type="image/png")
