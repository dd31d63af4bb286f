"""What a browser says on its console, and what of it is a fault."""

import re

# The lines that WebKitGTK writes to its standard output begin so, some with the place in the source before it.
_LINE = re.compile(r"^(?:\S.*?: )?CONSOLE (?P<kind>[A-Z ]*ERROR) (?P<text>.*)$")

EXCUSED = (
    # Chromium needs the directive, WebKitGTK does not know it; it says so and goes on.
    re.compile(r"Unrecognized Content-Security-Policy directive 'manifest-src'"),
    # A form with something to mend, and the answers that the walk asks for.
    re.compile(r"Failed to load resource: the server responded with a status of 422"),
)


def read_webkit(output: str) -> list[str]:
    """The errors among what WebKitGTK wrote, without its warnings and whatever else stands in the file."""
    found = (_LINE.match(line) for line in output.splitlines())
    return [f"{match['kind'].lower()}: {match['text']}" for match in found if match]


def faults(said: list[str]) -> list[str]:
    """What of it has no excuse."""
    return [line for line in said if not any(excuse.search(line) for excuse in EXCUSED)]
