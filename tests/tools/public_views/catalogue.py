"""The list of views."""

import re
from functools import partial
from urllib.parse import urljoin, urlsplit
from urllib.request import urlopen

from bs4 import BeautifulSoup

from tests.browser.mapping_visitor import BEGIN, ELSEWHERE, MAPPING_PAGE
from tests.browser.visitor import CONTACT_PAGE
from tests.tools.public_views import bring, bring_mapping, bring_waiting
from tests.tools.public_views.conditions import Condition
from tests.tools.public_views.stage import View

# The minimum width at which the menu is a row (static/css/site.css).
MENU_ROW_FROM = 1024
FRONT = "/"
NO_COPY = "/jatka/tama-linkki-ei-avaa-mitaan/kopio/"
NO_ENDING = "/jatka/tama-loppu-on-poistettu/loppu/"


def _read(address: str) -> str:
    with urlopen(address, timeout=30) as answer:  # noqa: S310 - our own site on this machine.
        body: bytes = answer.read()
    return body.decode()


def page_paths(site_url: str) -> list[str]:
    """Return the paths of all pages: those in the sitemap, then further ones linked from menus and footer."""
    paths = [urlsplit(place).path for place in re.findall(r"<loc>(.*?)</loc>", _read(f"{site_url}/sitemap.xml"))]
    front = BeautifulSoup(_read(f"{site_url}{FRONT}"), "html.parser")
    for link in front.select("header a[href], footer a[href]"):
        address = urlsplit(urljoin(f"{site_url}{FRONT}", str(link["href"])))
        if address.netloc == urlsplit(site_url).netloc:
            paths.append(address.path)
    return list(dict.fromkeys(paths))


def page_view(path: str, condition: Condition = Condition.PAUSED) -> View:
    """Return the view of the page at `path`."""
    name = "page-" + (path.strip("/").replace("/", "-") or "front")
    group = "pages"
    if condition is not Condition.PAUSED:
        name, group = f"{name}-{condition}", "notice"
    return View(name, group, 200, partial(bring.page, path=path), condition, path=path)


def mapping_views() -> list[View]:
    """Return the views of the mapping, except its first page, which is in the menus."""
    closed = "/jatka/tama-linkki-ei-avaa-mitaan/"
    return [
        View("mapping-elsewhere", "mapping", 200, partial(bring.page, path=ELSEWHERE), path=ELSEWHERE),
        View("mapping-facts", "mapping", 200, partial(bring.page, path=BEGIN), path=BEGIN),
        View("mapping-facts-errors", "mapping", 422, partial(bring_mapping.step_errors, number=1)),
        View("mapping-situation", "mapping", 200, partial(bring_mapping.step, number=2)),
        View("mapping-situation-errors", "mapping", 422, partial(bring_mapping.step_errors, number=2)),
        View("mapping-later-open", "mapping", 200, bring_mapping.later_open),
        View("mapping-later", "mapping", 200, bring_mapping.later),
        View("mapping-wishes", "mapping", 200, partial(bring_mapping.step, number=3)),
        View("mapping-practicalities", "mapping", 200, partial(bring_mapping.step, number=4)),
        View("mapping-check", "mapping", 200, partial(bring_mapping.step, number=bring_mapping.CHECK)),
        View("mapping-check-lacking", "mapping", 200, bring_mapping.check_lacking),
        View("mapping-done", "mapping", 200, bring_mapping.done),
        View("mapping-own-copy", "mapping", 200, bring_mapping.own_copy),
        View("mapping-closed", "mapping", 404, partial(bring.page, path=closed), path=closed),
        View("mapping-ended", "mapping", 404, partial(bring.page, path=NO_ENDING), path=NO_ENDING),
    ]


def waiting_views() -> list[View]:
    """Return the views while the contact page shows the waiting list's form or the contact details."""
    gone = "/jatka/tama-linkki-ei-avaa-mitaan/odotuslista/"
    listing = Condition.WAITING_LIST
    pages = (
        ("waiting-join", CONTACT_PAGE, listing),
        ("waiting-message", f"{CONTACT_PAGE}viesti/", listing),
        ("waiting-mapping", MAPPING_PAGE, listing),
        ("details-contact", CONTACT_PAGE, Condition.CONTACT_DETAILS),
        ("details-mapping", MAPPING_PAGE, Condition.CONTACT_DETAILS),
    )
    return [
        *(View(name, "waiting", 200, partial(bring.page, path=path), at, path=path) for name, path, at in pages),
        View("waiting-join-errors", "waiting", 422, bring_waiting.join_errors, listing),
        View("waiting-joined", "waiting", 200, bring_waiting.joined_unhurried, listing),
        View("waiting-joined-no-mail", "waiting", 200, bring_waiting.joined, listing),
        View("waiting-closed", "waiting", 409, bring_waiting.list_closed, Condition.OPEN),
        *(
            View(f"waiting-place-{name}", "waiting", 200, partial(bring_waiting.place, standing=name), listing)
            for name in bring_waiting.STANDINGS
        ),
        View("waiting-place-removal", "waiting", 200, bring_waiting.removal_open, listing),
        View(
            "waiting-place-removal-shared",
            "waiting",
            200,
            partial(bring_waiting.removal_open, standing="shared"),
            listing,
        ),
        View("waiting-place-gone", "waiting", 404, partial(bring.page, path=gone), listing, path=gone),
    ]


def all_views(site_url: str) -> list[View]:
    """Return every view of the site running at `site_url`. Raises an exception if its sitemap can't be read."""
    paths = page_paths(site_url)
    # After the pause one page below the front page is enough, as an example for all.
    reading = next(path for path in paths if path not in (FRONT, CONTACT_PAGE))
    return [
        *(page_view(path) for path in paths),
        View("menu-open", "opened", 200, bring.menu_open, below=MENU_ROW_FROM),
        View("questions-all-open", "opened", 200, bring.questions_open),
        View("question-by-its-address", "opened", 200, bring.question_by_address),
        View("form-every-error", "form", 422, bring.form_every_error),
        View("form-one-error", "form", 422, bring.form_one_error),
        View("form-expired", "form", 422, bring.form_expired),
        View("form-from-elsewhere", "form", 403, bring.form_from_elsewhere),
        View("form-connection-broken", "form", 200, bring.form_connection_broken),
        View("thanks-paused", "form", 200, bring.thanks),
        View("thanks-open", "form", 200, bring.thanks, Condition.OPEN),
        View("thanks-address-wrong", "form", 422, bring.thanks_address_wrong, Condition.OPEN),
        View("own-copy", "form", 200, bring.own_copy),
        View("own-copy-gone", "form", 410, partial(bring.page, path=NO_COPY), path=NO_COPY),
        *mapping_views(),
        *waiting_views(),
        page_view(FRONT, Condition.DATED),
        page_view(CONTACT_PAGE, Condition.DATED),
        page_view(FRONT, Condition.OVERDUE),
        page_view(FRONT, Condition.UPCOMING),
        page_view(FRONT, Condition.RESUMED),
        page_view(FRONT, Condition.OWN_WORDS),
        page_view(CONTACT_PAGE, Condition.OWN_WORDS),
        page_view(FRONT, Condition.OPEN),
        page_view(CONTACT_PAGE, Condition.OPEN),
        page_view(reading, Condition.OPEN),
        page_view(FRONT, Condition.FULL),
        page_view(CONTACT_PAGE, Condition.FULL),
        View("bad-request-400", "refusals", 400, partial(bring.page, path="/?haku=%00"), path="/?haku=%00"),
        View("forbidden-403", "refusals", 403, partial(bring.unprovoked, name="403")),
        View("sign-in-expired-403", "refusals", 403, bring.sign_in_expired),
        View("not-found-404", "refusals", 404, partial(bring.page, path="/tata-ei-ole/"), path="/tata-ei-ole/"),
        View("server-error-500", "refusals", 500, partial(bring.unprovoked, name="500")),
        View("maintenance-503", "refusals", 503, partial(bring.unprovoked, name="503")),
        View("form-too-many-429", "over-limit", 429, bring.form_too_many, Condition.OVER_LIMIT),
    ]
