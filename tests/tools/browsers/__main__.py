"""`make browsers`: walk through a site of its own in Firefox and WebKitGTK, and picture it in var/browsers/.

Exit code 0 when every engine is here and all steps are as they must be, else 1.
An engine's name as an argument walks in that one alone.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from selenium.common.exceptions import WebDriverException

from tests.browser.people import MAKE_PEOPLE
from tests.tools.browsers.engines import ENGINES, Engine, Look
from tests.tools.browsers.visit import Notes, Visit
from tests.tools.browsers.walk import NARROW, WIDTHS, Walker, look_narrow
from tests.tools.running_site import ROOT, RunningSite
from tests.tools.smtp_server import SmtpServer

FOLDER = ROOT / "var" / "browsers"


def walk(engine: Engine, url: str, notes: Notes) -> None:
    """The whole walk with scripts, the visitor's part without them, and a look at the dark colours."""
    for look in (Look(), Look(scripts=False), Look(dark=True)):
        with engine.start(look) as opened:
            for width in WIDTHS:
                visit = Visit(opened, url, f"{engine.name}, {look.name}, {width} px", width, notes)
                walker = Walker(visit)
                if look.dark:
                    walker.look_in_the_dark()
                    walker.make_mistakes()
                    continue
                walker.read()
                if look.scripts:
                    walker.follow_fragments()
                walker.make_mistakes()
                if look.scripts:
                    walker.mend_and_look_away()
                walker.look_away()
                walker.send()
                walker.begin_mapping()
                walker.fill_mapping()
                if look.scripts:
                    walker.look_in_admin()
            if look == Look():
                look_narrow(Visit(opened, url, f"{engine.name}, {look.name}, {NARROW} px", NARROW, notes))


def walk_in(engines: list[Engine], notes: Notes) -> None:
    """Start a site, walk through it in each engine, and stop it."""
    with tempfile.TemporaryDirectory() as folder, SmtpServer() as smtp:
        site = RunningSite(Path(folder) / "data", smtp=smtp)
        site.data_dir.mkdir()
        # A slow machine needs minutes for the first start.
        site.start(600)
        try:
            site.run(MAKE_PEOPLE)
            for engine in engines:
                print(engine.name, flush=True)
                try:
                    walk(engine, site.url, notes)
                except WebDriverException as error:
                    notes.faults.append(f"{engine.name}: the browser could not go on: {error.msg}")
        finally:
            site.stop()


def main(*names: str) -> int:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    notes = Notes(FOLDER)
    wanted = [engine for engine in ENGINES if not names or engine.name in names]
    if len(wanted) < len(names):
        print(f"The engines are: {', '.join(engine.name for engine in ENGINES)}.")
        return 2
    here = [engine for engine in wanted if engine.get()]
    notes.faults += [f"{engine.name}: not installed" for engine in wanted if engine not in here]
    if here:
        walk_in(here, notes)
    print(f"Pictures: {notes.write_index()}")
    for fault in notes.faults:
        print(f"FAULT  {fault}")
    print("make browsers: failed." if notes.faults else "make browsers: all well.")
    return 1 if notes.faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
