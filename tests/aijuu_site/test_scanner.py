"""How `make audit` evaluates the report of its scanner. The scanner itself is not installed for tests."""

from typing import Any
from urllib.request import urlopen

import pytest

from tests.tools.audit.open_forms import as_typed
from tests.tools.audit.scanner import (
    EXCUSED,
    INJECTIONS,
    LEFT_OUT,
    PAGES,
    findings_in,
    is_excused,
    server_errors,
    trap,
    unknown_modules,
)


def finding(info: str, **more: Any) -> dict[str, Any]:
    return {"method": "POST", "path": "/ota-yhteytta/", "info": info, "parameter": "name", **more}


def test_vulnerabilities_and_anomalies_are_findings() -> None:
    report = {
        "vulnerabilities": {"XSS": [finding("reflected")], "SQL Injection": []},
        "anomalies": {"Internal Server Error": [finding("500", parameter=None)]},
        "additionals": {"HTTP Methods": [finding("OPTIONS")]},
    }
    assert findings_in(report) == [
        ("XSS", "reflected (POST /ota-yhteytta/, name)"),
        ("Internal Server Error", "500 (POST /ota-yhteytta/, no field)"),
    ]


def test_only_listed_findings_are_excused() -> None:
    for kind, words in EXCUSED:
        assert is_excused(kind, f"{words} (GET /, no field)")
        assert not is_excused("XSS", words)
        assert not is_excused(kind, "Secure flag is not set in the cookie : sessionid")


def test_trap_ignores_requests_of_scanner_itself() -> None:
    with trap() as found:
        for path in ("get_ssrf.php?session_id=1", "get_xxe.php?session_id=1", "ssrf/1/2/6e616d65/"):
            urlopen(found.url + path, timeout=10).close()  # noqa: S310 - our own server on this machine.
        assert found.asked == ["GET /ssrf/1/2/6e616d65/"]


def test_server_errors_are_counted_by_status() -> None:
    assert server_errors({"200": 9, "303": 4, "422": 3, "499": 1}) == []
    assert server_errors({"200": 9, "503": 2, "500": 1}) == ["1 answers with status 500", "2 answers with status 503"]


def test_unknown_scanner_module_is_detected() -> None:
    known = ", ".join((*PAGES, *INJECTIONS, *LEFT_OUT))
    assert unknown_modules(f"[*] Existing modules:\n\t {known}\n") == []
    assert unknown_modules(f"[*] Existing modules:\n\t {known}, graphql\n") == ["graphql"]
    assert unknown_modules("") == ["(no list of them)"]


def test_values_the_scanner_would_split_are_refused() -> None:
    assert as_typed([("name", "Maija Meikäläinen"), ("extra_line", "")]) == "name=Maija Meikäläinen&extra_line="
    with pytest.raises(AssertionError):
        as_typed([("message", "a&b")])
