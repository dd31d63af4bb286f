"""`make structure`: the size of the product, and the files that a form post and a mail pass through."""

import ast
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCT = ("aijuu_site", "home", "intake")
MOST_ARGUMENTS = 7
# Called by Django around each SQL statement: not relevant for reading how a form post is processed.
BELOW_SQL = ("aijuu_site/queued_sqlite/", "aijuu_site/kept_pages/generation.py")


@dataclass
class Trace:
    """Records the calls of the product's functions while it is active.

    A jump is a call from one product file to another. `jumps_below`: the jumps into files of BELOW_SQL.
    """

    files: set[str] = field(default_factory=set)
    calls: int = 0
    jumps: int = 0
    jumps_below: int = 0

    def __enter__(self) -> "Trace":
        sys.setprofile(self._on_event)
        return self

    def __exit__(self, *_error: object) -> None:
        sys.setprofile(None)

    def _on_event(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call" or (name := _product_file(frame)) is None:
            return
        self.files.add(name)
        self.calls += 1
        caller = frame.f_back
        while caller is not None and (called_from := _product_file(caller)) is None:
            caller = caller.f_back
        if caller is not None and called_from != name:
            self.jumps += 1
            self.jumps_below += name.startswith(BELOW_SQL)

    def lines(self) -> int:
        return sum(len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in self.files)


def _product_file(frame: FrameType) -> str | None:
    name = frame.f_code.co_filename
    if not name.startswith(str(ROOT)):
        return None
    relative = os.path.relpath(name, ROOT)
    return relative if relative.split(os.sep)[0] in PRODUCT else None


def product_files() -> list[Path]:
    return [path for app in PRODUCT for path in sorted((ROOT / app).rglob("*.py"))]


def long_signatures() -> list[str]:
    """Return the public functions with more than MOST_ARGUMENTS arguments, as `file:line name (count)`."""
    found = []
    for path in product_files():
        if "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                count = len([argument for argument in every if argument.arg not in ("self", "cls")])
                if count > MOST_ARGUMENTS:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name} ({count})")
    return found


def traced(action: Callable[[], object]) -> Trace:
    with Trace() as trace:
        action()
    return trace


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aijuu_site.settings.test")
    import django

    django.setup()
    # Print only the figures, without the log of the site.
    logging.disable(logging.INFO)
    from django.conf import settings
    from django.core.management import call_command
    from django.test.utils import get_runner, setup_test_environment

    setup_test_environment()
    runner = get_runner(settings)(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    try:
        from django.utils import timezone

        from intake.mail.delivery import deliver_next
        from tests.intake.visiting import Visitor, letter

        call_command("load_content", verbosity=0)
        visitor = Visitor()
        visitor.sends()  # The first post imports and caches, so it is not traced.
        post = traced(lambda: visitor.sends(letter(message="Toinen viesti.")))
        deliver_next(now=timezone.now())
        mail = traced(lambda: deliver_next(now=timezone.now()))
    finally:
        runner.teardown_databases(databases)
    files = product_files()
    code = [path for path in files if "migrations" not in path.parts]
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in code)
    print(f"Python files: {len(files)} ({len(code)} without migrations, {lines} lines)")
    for name, trace in (("A post of the contact form", post), ("The delivery of a mail", mail)):
        below = sorted(file for file in trace.files if file.startswith(BELOW_SQL))
        print(
            f"{name}: {len(trace.files)} files ({trace.lines()} lines), {trace.calls} calls, {trace.jumps} jumps;"
            f" {len(below)} of the files and {trace.jumps_below} of the jumps lie below each SQL statement"
        )
        for file in sorted(trace.files):
            print(f"  {file}")
    print(f"Public functions with more than {MOST_ARGUMENTS} arguments: {len(long_signatures())}")
    for signature in long_signatures():
        print(f"  {signature}")


if __name__ == "__main__":
    main()
