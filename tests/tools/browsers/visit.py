"""A window in which somebody walks through the site: what they do, what they see, and what is noted of it."""

import re
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.tools.browsers.console import faults
from tests.tools.browsers.engines import Opened

PATIENCE = 30
TALLEST = 6000
_SIDEWAYS = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Other engines</title>
<style>
  body { font: 1rem/1.4 sans-serif; margin: 1.5rem; background: #eee; color: #111 }
  h2 { font-size: 1rem; margin: 1.5rem 0 .4rem }
  ul { display: flex; gap: .75rem; overflow-x: auto; margin: 0; padding: 0 0 .5rem; list-style: none }
  img { display: block; height: 22rem; width: auto; max-width: 30rem; object-fit: cover; object-position: top;
        border: 1px solid #999; background: #fff }
</style>
<h1>Other engines</h1>
"""


@dataclass
class Notes:
    """Pictures and faults of all walks."""

    folder: Path
    faults: list[str] = field(default_factory=list)
    pictures: dict[str, list[Path]] = field(default_factory=dict)

    def write_index(self) -> Path:
        """One page to look at all pictures in a minute."""
        parts = [_PAGE]
        for title, pictures in self.pictures.items():
            parts.append(f"<h2>{escape(title)}</h2>\n<ul>\n")
            for picture in pictures:
                source = escape(picture.relative_to(self.folder).as_posix())
                image = f'<img loading="lazy" src="{source}" alt="">'
                parts.append(f'<li><a href="{source}">{image} {escape(picture.stem)}</a></li>\n')
            parts.append("</ul>\n")
        index = self.folder / "index.html"
        index.write_text("".join(parts), encoding="utf-8")
        return index


def _in_one_line(error: Exception) -> str:
    """What is wrong; where a driver has refused something, also which line of the walk it was."""
    words = (str(error).removeprefix("Message: ").strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, AssertionError | TimeoutException):
        return words
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith("walk.py")]
    return f"{type(error).__name__} at line {lines[-1].lineno} of walk.py ({lines[-1].line})"


@dataclass
class Visit:
    """Somebody at `opened`, on the site at `url`. `title` names engine, look and width."""

    opened: Opened
    url: str
    title: str
    width: int
    notes: Notes

    def __post_init__(self) -> None:
        self.height = 844 if self.width < 600 else 900
        self.opened.resize(self.width, self.height)

    @property
    def driver(self) -> WebDriver:
        return self.opened.driver

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A part of the walk: what is not as it must be is noted with a picture, and the walk goes on."""
        wrong = []
        try:
            yield
        except (AssertionError, WebDriverException) as error:
            wrong.append(_in_one_line(error))
            self.picture(f"{name} FAILED")
        wrong += faults(self.opened.news())
        self.notes.faults += [f"{self.title}, {name}: {words}" for words in wrong]
        print(f"  {self.title}, {name}: {'; '.join(wrong) or 'well'}", flush=True)

    def go(self, path: str) -> None:
        # From the same page a browser would only scroll.
        if "#" in path:
            self.driver.get("about:blank")
        self.driver.get(self.url + path)

    def back(self, heading: str) -> None:
        self.driver.back()
        self.expect_heading(heading)

    def one(self, selector: str) -> WebElement:
        return self.until(lambda driver: driver.find_element(By.CSS_SELECTOR, selector), f"there is no {selector}")

    def reach(self, found: WebElement) -> WebElement:
        """The same element, scrolled into the window: WebKit's driver does not do it well."""
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
        return found

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def until(self, condition, otherwise: str):  # type: ignore[no-untyped-def]
        """What `condition` of the driver returns once it is true."""
        return WebDriverWait(self.driver, PATIENCE, 0.2, [WebDriverException]).until(condition, otherwise)

    def expect_heading(self, text: str) -> None:
        self.until(
            lambda driver: driver.find_element(By.TAG_NAME, "h1").text.replace("\xad", "") == text,
            f"no page with the heading {text!r} has come",
        )

    def fill(self, **words: str) -> None:
        """Type into fields by their names."""
        for name, text in words.items():
            box = self.reach(self.one(f"main [name={name}]"))
            box.clear()
            box.send_keys(text)

    def choose(self, name: str, value: str) -> None:
        box = self.reach(self.one(f"main [name={name}][value={value}]"))
        if not box.is_selected():
            box.click()

    def answer(self, question: str, answer: str) -> None:
        """Choose or type the answer to the question that begins with `question`."""
        group = f"//main//fieldset[legend[starts-with(normalize-space(), {question!r})]]"
        label = f"//main//label[starts-with(normalize-space(), {question!r})]"
        choices = self.driver.find_elements(By.XPATH, f"{group}//label[normalize-space()={answer!r}]")
        if choices:
            self.reach(choices[0]).click()
        else:
            box = self.driver.find_element(By.XPATH, label).get_attribute("for")
            self.reach(self.one(f"[id='{box}']")).send_keys(answer)

    def send(self) -> None:
        self.reach(self.one("main form button[type=submit]:not([name])")).click()

    def expect_kept(self, choices: dict[str, str], **words: str) -> None:
        """The form still has these words and choices."""
        for name, text in words.items():
            found = self.one(f"main [name={name}]").get_property("value")
            assert found == text, f"{name} is {found!r}, not {text!r}: words are lost"
        for name, value in choices.items():
            chosen = self.one(f"main [name={name}][value={value}]").is_selected()
            assert chosen, f"{name} is no longer {value}: a choice is lost"

    def expect_no_sideways(self) -> None:
        over = self.driver.execute_script(_SIDEWAYS)
        assert over <= 0, f"{self.driver.current_url} can be scrolled sideways by {over} px at {self.width} px"

    def picture(self, name: str) -> None:
        """The whole page as it looks now."""
        folder = self.notes.folder / re.sub(r"\W+", "-", self.title)
        folder.mkdir(parents=True, exist_ok=True)
        row = self.notes.pictures.setdefault(self.title, [])
        path = folder / f"{len(row):02} {name}.png"
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        self.opened.resize(self.width, max(self.height, min(height, TALLEST)))
        # The part that was not in the window is drawn a moment later.
        time.sleep(0.5)
        path.write_bytes(self.driver.get_screenshot_as_png())
        self.opened.resize(self.width, self.height)
        row.append(path)
