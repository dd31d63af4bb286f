"""`python -m tests.tools.site_shell`: run the scripts from standard input in one process until the input ends.

Each input line is a script as JSON, and each output line its result: {"out": its output} or {"error": its traceback}.
Starting Python and Django for each script would take most of the time of the browser tests.
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
        # Release locks, and let the next script see what others have written in the meantime.
        connections.close_all()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
