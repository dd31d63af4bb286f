"""A visitor for deploy/try.sh, using only the standard library: requests the front page and posts messages ("letters")
through the form, over TLS.

    try_visitor.py CA_FILE seconds SECONDS   four visitors at once, for SECONDS
    try_visitor.py CA_FILE letter            one message

Prints each failure on a line, then "READ n LETTERS n FAILED n". The exit status is 0 only if nothing failed.
"""

import http.client
import itertools
import re
import socket
import ssl
import sys
import threading
import time
from urllib.parse import urlencode

HOST = "koe.localhost"
FORM = "/ota-yhteytta/"
# The site treats a form sent within two seconds as suspicious.
READING_SECONDS = 2.5
VISITORS = 4
# Longer than a request waits in the proxy while the site restarts (lb_try_duration in Caddyfile).
TIMEOUT = 60

numbers = itertools.count(time.time_ns())
read: list[None] = []
stored: list[None] = []
failures: list[str] = []


class Visitor:
    def __init__(self, ca_file: str) -> None:
        self._context = ssl.create_default_context(cafile=ca_file)

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        connection = http.client.HTTPSConnection(HOST)
        plain = socket.create_connection(("127.0.0.1", 443), TIMEOUT)
        connection.sock = self._context.wrap_socket(plain, server_hostname=HOST)
        headers = {"Origin": f"https://{HOST}", "Content-Type": "application/x-www-form-urlencoded"} if body else {}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def read_front_page(self) -> None:
        status, page = self.ask("GET", "/")
        if status != 200 or "</html>" not in page:
            raise ValueError(f"front page: {status}")
        read.append(None)

    def write_letter(self) -> None:
        status, page = self.ask("GET", FORM)
        found = re.search(r'name="form_token" value="([^"]+)"', page)
        if status != 200 or not found:
            raise ValueError(f"form: {status}")
        time.sleep(READING_SECONDS)
        number = next(numbers)
        fields = {
            "form_token": found[1],
            "name": f"Kokeilija {number}",
            "email": f"kokeilija-{number}@esimerkki.fi",
            "phone": "050 123 4567",
            "organisation": "Esimerkki Oy",
            "supervision_form": "group",
            "delivery_modes": "online",
            "preferred_contact": "email",
            "message": f"Hei Kati, tämä on viesti numero {number}. Etsimme työnohjaajaa kuuden hengen tiimille.",
        }
        status, page = self.ask("POST", FORM, urlencode(fields))
        if status != 303:
            heading = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
            raise ValueError(f"letter: {status} {heading[1].strip() if heading else page[:80]!r}")
        stored.append(None)


def visit(ca_file: str, until: float) -> None:
    visitor = Visitor(ca_file)
    while time.monotonic() < until:
        for action in (visitor.read_front_page, visitor.write_letter):
            try:
                action()
            except (OSError, ValueError, http.client.HTTPException) as error:
                failures.append(f"{action.__name__}: {type(error).__name__}: {error}")


def main() -> int:
    ca_file, command = sys.argv[1:3]
    if command == "letter":
        Visitor(ca_file).write_letter()
    else:
        until = time.monotonic() + float(sys.argv[3])
        threads = [threading.Thread(target=visit, args=(ca_file, until)) for _number in range(VISITORS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for failure in failures:
        print(failure)
    print(f"READ {len(read)} LETTERS {len(stored)} FAILED {len(failures)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
