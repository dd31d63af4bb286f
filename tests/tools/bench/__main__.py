"""Print the table. `--only NAME` for one part of it."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.tools.bench import letters, pages, resources
from tests.tools.bench.table import printed

PARTS = {"pages": pages.measure, "letters": letters.measure, "resources": resources.measure}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(PARTS))
    only = parser.parse_args().only
    if missing := pages.needs():
        print(f"Missing: {', '.join(missing)}. On Debian: apt-get install wrk nginx-light", file=sys.stderr)
        return 1
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    missed = False
    for name, measure in PARTS.items():
        if only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                # nginx and PostgreSQL run as other users, who must be able to enter the folder.
                Path(folder).chmod(0o755)
                rows = measure(Path(folder))
            missed = missed or any(row.is_met is False for row in rows)
            print(f"\n{name}\n{printed(rows)}", flush=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
