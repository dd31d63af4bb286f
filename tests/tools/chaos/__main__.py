"""Run the site under load, inject one fault after another, and check what became of each message.

The site runs as `make run` starts it, in its own folders: one instance on SQLite, and two instances on one PostgreSQL.
Clients send messages ("letters") and repeat each until it is confirmed. The exit status is 0 only if each message was
stored once, with its text, and all mails were sent.
"""

import argparse
import os
import random
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.tools.chaos.faults import FAULTS, SECONDS, Fault
from tests.tools.chaos.invariants import Findings, empty_the_queue, find
from tests.tools.chaos.machines import Machines, PostgresServer, SqliteFile, wait_until
from tests.tools.chaos.senders import Letter, Senders
from tests.tools.postgres import running_postgres
from tests.tools.running_site import RunningSite
from tests.tools.smtp_server import SmtpServer

DATABASES = ("sqlite", "postgres")
LETTERS = 1000
PEOPLE = 24
# Disk space for a thousand messages with their mails.
DISK_MIB_FOR_A_THOUSAND = 64
# The folder with sitecustomize.py, which moves the clocks of a site's processes; added to PYTHONPATH.
CLOCK = Path(__file__).parent / "clock"


@contextmanager
def own_disk(folder: Path, mib: int) -> Iterator[bool]:
    """Mount a small file system at `folder`; yield whether that was permitted."""
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=700", "tmpfs", folder],
            capture_output=True,
            check=False,
        ).returncode
    )
    try:
        yield bool(mounted)
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)


@contextmanager
def machines_on(database: str, folder: Path, *, letters: int) -> Iterator[tuple[Machines, bool]]:
    """Yield the site or sites, not started, and whether SQLite's file is on its own file system."""
    shared = {"FORM_RATE_LIMIT": "1000000", "SECRET_KEY": secrets.token_urlsafe(48)}
    with ExitStack() as stack:
        smtp = stack.enter_context(SmtpServer())
        folders = [folder / name for name in (("one",) if database == "sqlite" else ("one", "two"))]
        sites = []
        for data_dir in folders:
            data_dir.mkdir()
            sites.append(RunningSite(data_dir, smtp=smtp, overrides=dict(shared)))
        for site in sites:
            site.overrides |= {"PYTHONPATH": str(CLOCK), "CHAOS_CLOCK": f"{site.data_dir}.clock"}
            # Both get the same SITE_URL, that of the load balancer.
            site.overrides["SITE_URL"] = sites[0].url
        if database == "sqlite":
            disk = folder / "disk"
            disk.mkdir()
            has_disk = stack.enter_context(own_disk(disk, DISK_MIB_FOR_A_THOUSAND * max(1, letters // 1000)))
            file = disk / "db.sqlite3"
            sites[0].overrides["DATABASE_URL"] = f"sqlite:///{file}"
            yield Machines(sites, SqliteFile(file), smtp), has_disk
            return
        server = stack.enter_context(running_postgres(durable=True))
        for site in sites:
            site.overrides["DATABASE_URL"] = server.url
        yield Machines(sites, PostgresServer(server), smtp), False


def chosen_faults(database: str, names: list[str] | None) -> list[Fault]:
    return [fault for fault in FAULTS if fault.database in ("", database) and (not names or fault.name in names)]


def reason_to_skip(fault: Fault, *, has_disk: bool) -> str:
    if fault.needs_disk and not has_disk:
        return "skipped: a file system can't be mounted here (needs root)"
    return ""


def hand_out(senders: Senders, letters: list[Letter]) -> None:
    for letter in letters:
        senders.hand_out(letter)
        time.sleep(SECONDS / len(letters))


def run_faults(machines: Machines, senders: Senders, faults: list[Fault], each: int) -> list[Letter]:
    """Inject each fault while `each` messages are sent; then wait until all of them are confirmed."""
    sent: list[Letter] = []
    for fault in faults:
        print(f"  {fault.name} …", flush=True)
        senders.fault = fault.name
        letters = [Letter(len(sent) + number, fault.name) for number in range(each)]
        sent += letters
        giving = threading.Thread(target=hand_out, args=(senders, letters))
        giving.start()
        fault.run(machines)
        giving.join()
        wait_until(
            lambda letters=letters: bool(senders.problems) or all(letter in senders.told for letter in letters),  # type: ignore[misc]
            f"answer to each letter ({fault.name})",
        )
        senders.fault = "none"
    return sent


def print_table(faults: list[Fault], skipped: dict[str, str], senders: Senders, findings: Findings) -> None:
    told = Counter(letter.fault for letter in senders.told)
    print(f"\n{'fault':<26}{'told':>7}{'cut':>7}{'refused':>9}{'longest':>10}{'lost':>7}{'doubled':>9}")
    for fault in faults:
        if fault.name in skipped:
            print(f"{fault.name:<26}{skipped[fault.name]}")
            continue
        answers = [answer for answer in senders.answers if answer.fault == fault.name]
        posts = Counter(answer.status for answer in answers if answer.method == "POST")
        refused = posts.total() - posts[303] - posts[0]
        longest = max((answer.seconds for answer in answers), default=0.0)
        print(
            f"{fault.name:<26}{told[fault.name]:>7}{posts[0]:>7}{refused:>9}{longest:>8.1f} s"
            f"{findings.lost[fault.name]:>7}{findings.doubled[fault.name]:>9}"
        )


def run(database: str, *, letters: int, names: list[str] | None, seed: int, log: Path | None) -> bool:
    """Inject the faults on one database, print the result, and return whether all checks passed."""
    faults = chosen_faults(database, names)
    if not faults:
        return True
    with (
        tempfile.TemporaryDirectory() as name,
        machines_on(database, Path(name), letters=letters) as (machines, has_disk),
    ):
        skipped = {one.name: why for one in faults if (why := reason_to_skip(one, has_disk=has_disk))}
        possible = [one for one in faults if one.name not in skipped]
        random.Random(seed).shuffle(possible)
        print(f"\n{database}: {len(possible)} faults. Starting …", flush=True)
        began = time.monotonic()
        with machines.running():
            senders = Senders(machines.sites, PEOPLE, seed)
            senders.start()
            try:
                sent = run_faults(machines, senders, possible, max(1, letters // max(1, len(possible))))
            finally:
                senders.stop()
            unsent = empty_the_queue(machines)
            findings = find(machines, senders, sent, unsent)
            if log:
                log.write_text("\n".join(line for site in machines.sites for line in site.output))
        print_table(faults, skipped, senders, findings)
        print(
            f"\n{len(senders.told)} letters told, {findings.mails} mails sent, {findings.mails_twice} of them again "
            f"({machines.interruptions + machines.smtp.unconfirmed} interruptions); "
            f"{machines.restarts} starts of a site that had ended; {time.monotonic() - began:.0f} s."
        )
        for line in findings.wrong:
            print(f"WRONG: {line}")
        return not findings.wrong and not findings.lost.total() and not findings.doubled.total()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.chaos", description=__doc__)
    parser.add_argument("--letters", type=int, default=LETTERS, help=f"on each database ({LETTERS})")
    parser.add_argument("--database", choices=DATABASES, help="only this one")
    parser.add_argument(
        "--fault",
        action="append",
        choices=[fault.name for fault in FAULTS],
        metavar="NAME",
        help=f"only this one; several times for several: {', '.join(fault.name for fault in FAULTS)}",
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000), help="of an earlier run")
    parser.add_argument("--log", type=Path, help="where to write what the site said since its last start")
    options = parser.parse_args()
    print(f"Seed {options.seed} (--seed {options.seed} repeats the order).")
    held = [
        run(database, letters=options.letters, names=options.fault, seed=options.seed, log=options.log)
        for database in DATABASES
        if options.database in (None, database)
    ]
    print("\nAll held." if all(held) else "\nNOT all held.")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
