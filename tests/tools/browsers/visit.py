"""Actions and assertions in a browser window on the site."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.tools.browsers.engines import Opened

PATIENCE = 30
TALLEST = 6000
_SIDEWAYS = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass
class Visit:
    """A visit with the browser `opened` to the site at `url`. Screenshots go to `folder`."""

    opened: Opened
    url: str
    width: int
    folder: Path
    _pictures: int = field(default=0)

    def __post_init__(self) -> None:
        self.height = 844 if self.width < 600 else 900
        self.opened.resize(self.width, self.height)

    @property
    def driver(self) -> WebDriver:
        return self.opened.driver

    def go(self, path: str) -> None:
        # Leave the page first: otherwise the browser only scrolls.
        if "#" in path:
            self.driver.get("about:blank")
        self.driver.get(self.url + path)

    def back(self, heading: str) -> None:
        self.driver.back()
        self.expect_heading(heading)

    def one(self, selector: str) -> WebElement:
        return self.until(lambda driver: driver.find_element(By.CSS_SELECTOR, selector), f"there is no {selector}")

    def reach(self, found: WebElement) -> WebElement:
        """Scroll the element into the window (WebKit's driver does not do this reliably), and return it."""
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
        return found

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def until(self, condition, otherwise: str):  # type: ignore[no-untyped-def]
        """Wait until `condition` of the driver is true, and return its result."""
        return WebDriverWait(self.driver, PATIENCE, 0.2, [WebDriverException]).until(condition, otherwise)

    def expect_heading(self, text: str) -> None:
        self.until(
            lambda driver: driver.find_element(By.TAG_NAME, "h1").text.replace("\xad", "") == text,
            f"no page with the heading {text!r} has come",
        )

    def fill(self, **words: str) -> None:
        """Fill fields, given by their names."""
        for name, text in words.items():
            box = self.reach(self.one(f"main [name={name}]"))
            box.clear()
            box.send_keys(text)

    def choose(self, name: str, value: str) -> None:
        box = self.reach(self.one(f"main [name={name}][value={value}]"))
        if not box.is_selected():
            box.click()

    def answer(self, question: str, answer: str) -> None:
        """Choose or type the answer to the question whose text begins with `question`."""
        group = f"//main//fieldset[legend[starts-with(normalize-space(), {question!r})]]"
        label = f"//main//label[starts-with(normalize-space(), {question!r})]"
        choices = self.driver.find_elements(By.XPATH, f"{group}//label[normalize-space()={answer!r}]")
        if choices:
            self.reach(choices[0]).click()
        else:
            box = self.driver.find_element(By.XPATH, label).get_attribute("for")
            self.reach(self.one(f"[id='{box}']")).send_keys(answer)

    def send(self) -> None:
        # Retry, since the button may have been found on the page that is being left.
        button = self.until(lambda _: self.reach(self.one("main form button[type=submit]:not([name])")), "no button")
        button.click()

    def expect_kept(self, choices: dict[str, str], **words: str) -> None:
        """Assert that the form still contains these texts and choices."""
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
        """Take a screenshot of the whole page."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._pictures += 1
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        self.opened.resize(self.width, max(self.height, min(height, TALLEST)))
        # Parts that were outside the window are rendered a moment later.
        time.sleep(0.5)
        path = self.folder / f"{self._pictures:02} {name}.png"
        path.write_bytes(self.driver.get_screenshot_as_png())
        self.opened.resize(self.width, self.height)
