"""Blocks that refer to a page or a picture; an odd number refers to none (home.references)."""

from collections.abc import Iterable
from typing import Any

from wagtail import blocks
from wagtail.images.blocks import ImageBlock, ImageChooserBlock

from home.references import known_id


class _KnownIds:
    """For a chooser block. Stored data and the editor's form both come through here."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(known_id(value))  # type: ignore[misc]

    def bulk_to_python(self, values: Iterable[Any]) -> Any:
        return super().bulk_to_python([known_id(value) for value in values])  # type: ignore[misc]

    def value_from_form(self, value: Any) -> Any:
        return super().value_from_form(value if isinstance(value, self.model_class) else known_id(value))  # type: ignore[misc, attr-defined]


class PageChoice(_KnownIds, blocks.PageChooserBlock):  # type: ignore[misc]
    def deconstruct(self) -> tuple[str, Any, Any]:
        # The data is that of Wagtail's block, so no migration needs to know this one.
        _path, args, kwargs = super().deconstruct()
        return "wagtail.blocks.PageChooserBlock", args, kwargs


class _PictureChoice(_KnownIds, ImageChooserBlock):  # type: ignore[misc]
    pass


class PictureWithWords(ImageBlock):  # type: ignore[misc]
    """A picture with its alternative text."""

    def __init__(self, required: bool = True, **kwargs: Any) -> None:
        super().__init__(required=required, **kwargs)
        chooser = _PictureChoice(required=required)
        chooser.set_name("image")
        self.child_blocks["image"] = chooser

    def to_python(self, value: Any) -> Any:
        return super().to_python(_as_stored(value))

    def bulk_to_python(self, values: Iterable[Any]) -> Any:
        return super().bulk_to_python([_as_stored(value) for value in values])


def _as_stored(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"image": value, "decorative": False, "alt_text": ""}
