"""Which drawings (SVG) are one to a browser, and can be measured. They go out as they came."""

import math
from io import BytesIO

from willow.image import SvgImageFile
from willow.svg import SvgWrapper

_ROOT = "{http://www.w3.org/2000/svg}svg"


class UnshowableDrawing(ValueError):
    """It has no root of SVG, or no sides."""


def check_drawing(content: bytes) -> None:
    """Raise UnshowableDrawing, or what Willow raises for a size that it does not understand."""
    drawing = SvgWrapper(SvgImageFile(BytesIO(content)).dom)
    if drawing.root.tag != _ROOT:
        raise UnshowableDrawing("the root is no <svg>")
    shown, inner = (drawing.width, drawing.height), (drawing.view_box.width, drawing.view_box.height)
    if not all(math.isfinite(side) and side >= 1 for side in shown):
        raise UnshowableDrawing("a side is less than a pixel")
    if not all(math.isfinite(side) and side > 0 for side in inner):
        raise UnshowableDrawing("the viewBox is empty")
