"""Each package that the site needs has a licence that allows its use and redistribution."""

from email.message import Message
from importlib import metadata
from typing import cast

from packaging.licenses import canonicalize_license_expression

from tests.tools.sbom import pinned_versions

ALLOWED = {
    *("Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "LGPL-3.0-only", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0"),
    "PSF-2.0",
}
ALLOWED_CLASSIFIERS = {
    *(
        "Apache Software License",
        "BSD License",
        "ISC License (ISCL)",
        "MIT License",
        "Python Software Foundation License",
    ),
    "Mozilla Public License 2.0 (MPL 2.0)",
}
# Licences of packages whose metadata is missing or wrong, read from their files.
LOOKED_UP = {"pyrage": "MIT", "qrcode": "BSD-3-Clause"}
# Packages for other operating systems, not installed here.
ELSEWHERE = {"colorama", "httpx2-jsfetch", "tzdata"}


def licences(name: str) -> set[str]:
    """Return the licences of an installed package: SPDX names, or else the names from its classifiers."""
    about = cast(Message, metadata.metadata(name))
    classifiers = [line for line in about.get_all("Classifier") or [] if line.startswith("License :: ")]
    expression = LOOKED_UP.get(name) or about.get("License-Expression") or (not classifiers and about.get("License"))
    if expression:
        return {part for part in canonicalize_license_expression(expression).split() if part not in ("AND", "OR")}
    return {line.rpartition(" :: ")[2] for line in classifiers}


def test_every_package_has_an_allowed_licence() -> None:
    packages = set(pinned_versions()) - ELSEWHERE
    assert len(packages) > 50
    refused = {
        name: found for name in packages if not (found := licences(name)) or not found <= ALLOWED | ALLOWED_CLASSIFIERS
    }
    assert refused == {}
