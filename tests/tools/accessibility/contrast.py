"""Contrast of text over drawings, measured in a screenshot (WCAG 1.4.3, with WCAG's formula of relative luminance)."""

import io
import math
from typing import Any

from PIL import Image
from playwright.sync_api import FloatRect, Page

Colour = tuple[int, int, int]

# A colour with a smaller share of the area is an antialiased edge and not a background of text.
_EDGE = 0.02
_LARGE_PX, _LARGE_BOLD_PX, _BOLD = 24.0, 18.66, 700

_READ = """selectors => selectors.map((selector) => {
  // The open menu covers a part of the page on purpose: skip lines that are fully or partly under it.
  const underSheet = (element, [left, top, right, bottom]) => [0.1, 0.5, 0.9].some((part) => {
    // elementFromPoint works only inside the window.
    const y = top + (bottom - top) * part;
    scrollTo({ top: y - innerHeight / 2, behavior: "instant" });
    let upper = document.elementFromPoint((left + right) / 2 - scrollX, y - scrollY);
    if (!upper || element.contains(upper) || upper.contains(element)) return false;
    for (; upper && !upper.contains(element); upper = upper.parentElement) {
      const style = getComputedStyle(upper);
      if (/^(absolute|fixed)$/.test(style.position) && style.backgroundColor !== "rgba(0, 0, 0, 0)") return true;
    }
    return false;
  });
  const before = scrollY;
  const element = document.querySelector(selector);
  const style = getComputedStyle(element);
  const range = document.createRange();
  range.selectNodeContents(element);
  const rects = [...range.getClientRects()]
    .filter((rect) => rect.width > 1 && rect.height > 1)
    .map((rect) => [rect.left + scrollX, rect.top + scrollY, rect.right + scrollX, rect.bottom + scrollY])
    .filter((rect) => !underSheet(element, rect));
  scrollTo({ top: before, behavior: "instant" });
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  canvas.fillStyle = style.color;
  canvas.fillRect(0, 0, 1, 1);
  return {
    selector, rects, colour: [...canvas.getImageData(0, 0, 1, 1).data],
    size: parseFloat(style.fontSize), weight: Number(style.fontWeight),
  };
})"""
_PAINT = """([selectors, colour]) => selectors.forEach((selector) => {
  document.querySelector(selector).style.setProperty("-webkit-text-fill-color", colour);
})"""


def luminance(colour: Colour) -> float:
    """Return the relative luminance, 0.0 (black) to 1.0 (white), of an sRGB colour with components of 0–255."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (one / 255 for one in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio: 1.0 (equal colours) to 21.0 (black on white)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def worst_contrast(picture: Image.Image, text: Colour) -> float:
    """Return the lowest contrast between `text` and the background colours in the picture, which has no letters in it.

    Colours below _EDGE are ignored.
    """
    pixels = picture.width * picture.height
    colours = picture.convert("RGB").getcolors(pixels) or []
    grounds = [colour for count, colour in colours if count > pixels * _EDGE]
    # In a background of many shades each colour is rare, so all of them count.
    grounds = grounds or [colour for _count, colour in colours]
    return min(contrast(text, ground) for ground in grounds)  # type: ignore[arg-type]


def contrast_problems(page: Page, selectors: list[str]) -> list[str]:
    """Return the elements with too little text contrast: below 4.5, or 3 for large text (WCAG 1.4.3)."""
    texts: list[dict[str, Any]] = page.evaluate(_READ, selectors)
    rects = [rect for text in texts for rect in text["rects"]]
    # Capture only the part with these texts, since encoding the screenshot takes most of the time.
    left, top = (min((max(0, math.floor(rect[edge])) for rect in rects), default=0) for edge in (0, 1))
    right, bottom = (max((math.ceil(rect[edge]) for rect in rects), default=1) for edge in (2, 3))
    page.evaluate(_PAINT, [selectors, "transparent"])
    clip: FloatRect = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    shot = Image.open(io.BytesIO(page.screenshot(full_page=True, scale="css", clip=clip)))
    page.evaluate(_PAINT, [selectors, ""])
    problems = []
    for text in texts:
        *colour, alpha = text["colour"]
        if alpha != 255:
            problems.append(f"contrast: {text['selector']} has letters that let the ground through")
            continue
        large = text["size"] >= _LARGE_PX or (text["size"] >= _LARGE_BOLD_PX and text["weight"] >= _BOLD)
        needed = 3.0 if large else 4.5
        for rect in text["rects"]:
            box = tuple(round(edge) - start for edge, start in zip(rect, (left, top, left, top), strict=True))
            measured = worst_contrast(shot.crop(box), tuple(colour))  # type: ignore[arg-type]
            if measured < needed:
                problems.append(f"contrast: {text['selector']} has {measured:.2f}, needs {needed}")
    return list(dict.fromkeys(problems))
