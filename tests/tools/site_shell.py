"""`python -m tests.tools.site_shell`: run the scripts that come on standard input, in one process, until it ends.

A line holds a script as JSON; a line goes back: {"out": what it printed} or {"error": its traceback}. Starting Python
and Django anew for each would take most of the time of the browser tests.
"""

import contextlib
import io
import json
import sys
import traceback

import django

django.setup()

from django.db import close_old_connections, connections  # noqa: E402 - needs the settings


def main() -> None:
    answers = sys.stdout
    for line in sys.stdin:
        close_old_connections()
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                exec(compile(json.loads(line), "<script>", "exec"), {"__name__": "__main__"})  # noqa: S102 - what it is for
        except Exception:
            answer = {"error": traceback.format_exc()}
        else:
            answer = {"out": out.getvalue()}
        # Nothing stays locked, and the next script sees what others wrote meanwhile.
        connections.close_all()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
