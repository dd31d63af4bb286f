"""The readable files of home/content/: what they say, before anything is stored."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONTENT_DIR = Path(__file__).resolve().parent / "content"
IMAGE_TYPE = "wagtailimages.Image"


class ContentError(Exception):
    """A content file can't be loaded as it is written. Says which file and what is wrong."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One file: a page (has a `path`), a picture (type wagtailimages.Image, has a `file`) or a setting (neither).

    `key` is what marks it as loaded.
    """

    source: Path
    type: str
    data: dict[str, Any]

    @property
    def path(self) -> str | None:
        return self.data.get("path")

    @property
    def key(self) -> str:
        if self.type == IMAGE_TYPE:
            return image_key(self.data["file"])
        return f"page:{self.path}" if self.path else f"setting:{self.type}"

    @property
    def image_file(self) -> Path:
        return self.source.parent / "images" / str(self.data["file"])


def image_key(file: str) -> str:
    """The mark of the picture that came from this file of home/content/images/."""
    return f"image:{file}"


def read_pieces(directory: Path) -> list[Piece]:
    """All pieces in the order of their file names. Raises ContentError for a file that can't be read."""
    pieces = [_read_piece(source) for source in sorted(directory.glob("*.toml"))]
    if not pieces:
        raise ContentError(f"{directory}: no content files")
    return pieces


def _read_piece(source: Path) -> Piece:
    try:
        data = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ContentError(f"{source.name}: {error}") from error
    content_type = data.pop("type", None)
    if not isinstance(content_type, str) or content_type.count(".") != 1:
        raise ContentError(f'{source.name}: "type" must be app.Model')
    if content_type == IMAGE_TYPE and not data.get("file"):
        raise ContentError(f'{source.name}: a picture needs a "file"')
    path = data.get("path")
    if path is not None and not (isinstance(path, str) and path.startswith("/") and path.endswith("/")):
        raise ContentError(f'{source.name}: "path" must start and end with a slash')
    return Piece(source=source, type=content_type, data=data)
