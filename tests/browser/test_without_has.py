"""A browser without :has() still shows the selected choice and the focus."""

import pytest
from playwright.sync_api import Page

from tests.browser.katis_desk import KatisDesk

# Removes all rules with :has() in their selector, which such a browser ignores.
_FORGET_HAS = """() => {
  const forget = (rules, owner) => {
    for (let at = rules.length - 1; at >= 0; at--) {
      if (rules[at].selectorText?.includes(":has(")) owner.deleteRule(at);
      else if (rules[at].cssRules) forget(rules[at].cssRules, rules[at]);
    }
  };
  for (const sheet of document.styleSheets) forget(sheet.cssRules, sheet);
}"""
_RULES_LEFT = """() => [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
  .filter((rule) => rule.cssText.includes(":has(")).length"""
# Counts the focus rings of the input, its row and the other elements in the row.
_RINGS = """input => [input.parentElement, ...input.parentElement.children]
  .filter((part) => getComputedStyle(part).outlineStyle === "solid").length"""
_NUMBER = """input => {
  const style = getComputedStyle(input.nextElementSibling);
  return [style.backgroundColor, style.color];
}"""
KINDS = {"radio": ".choice__input[type=radio]", "checkbox": ".choice__input[type=checkbox]", "scale": ".scale__input"}


@pytest.fixture
def guide(desk: KatisDesk) -> Page:
    """The style guide, which contains every type of question."""
    desk.page.goto("/admin/tyyliopas/")
    desk.page.evaluate(_FORGET_HAS)
    assert desk.page.evaluate(_RULES_LEFT) == 0
    return desk.page


def test_focus_shows_without_has(guide: Page) -> None:
    for kind, selector in KINDS.items():
        choice = guide.locator(selector).first
        assert choice.evaluate(_RINGS) == 0, kind
        # By keyboard, since a click shows no focus ring.
        choice.focus()
        guide.keyboard.press("Space")
        assert choice.evaluate(_RINGS) == 1, kind


def test_chosen_number_shows_without_has(guide: Page) -> None:
    scale = guide.locator(".scale__points").first
    scale.locator("label", has_text="4").click()
    chosen, other = (scale.locator(f".scale__input[value='{value}']").evaluate(_NUMBER) for value in ("4", "5"))
    assert chosen[0] != other[0]
    assert chosen[1] != other[1]


def test_one_ring_where_has_is_known(desk: KatisDesk) -> None:
    desk.page.goto("/admin/tyyliopas/")
    for kind, selector in KINDS.items():
        choice = desk.page.locator(selector).first
        choice.focus()
        desk.page.keyboard.press("Space")
        assert choice.evaluate(_RINGS) == 1, kind
