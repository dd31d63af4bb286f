"""The front page: requests per second and latency, compared with nginx serving a file and a `wagtail start` site."""

import gzip
import http.client
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.tools.bench.table import Row, at_least, at_most
from tests.tools.letters.__main__ import PEER_SERVER
from tests.tools.letters.wagtail_start import WagtailStart
from tests.tools.running_site import ROOT, RunningSite, free_port

CONNECTIONS = (1, 16, 64)
ROUNDS = 3
SECONDS = 3
_PEER_HOME = "/"
_FILE_SERVER = """
server {{
    listen 127.0.0.1:{port};
    root {folder};
    gzip_static on;
    {headers}
}}
"""
# Headers that nginx itself sets for a file.
_OWN_HEADERS = {
    "connection",
    "content-length",
    "content-type",
    "content-encoding",
    "date",
    "etag",
    "last-modified",
    "server",
}
_NGINX = """
worker_processes auto;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
daemon off;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    include /etc/nginx/mime.types;
    {servers}
}}
"""
_WHY_ALONE = (
    "each answer passes a call of Python (aijuu_site/serving/shell.py), where nginx stays in C; and the system spreads "
    "connections unevenly over two processes"
)
_WHY_FRONT = (
    "a kilobyte of security headers on each answer, which a file with them pays too (the row below), and the lookup in "
    "the cache, which reads the answer's headers from its file"
)
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True)
class Load:
    """The result of wrk: requests per second, latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def needs() -> list[str]:
    """Return the programs that are missing."""
    return [program for program in ("wrk", "nginx") if shutil.which(program) is None]


def load(url: str, connections: int) -> Load:
    """Request `url` over this many connections for SECONDS. Raises AssertionError if a response is an error."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}", "--latency", "-H", "Accept-Encoding: gzip", url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in said, said
    found = re.findall(r"(\d+)%\s+([\d.]+)(\w+)", said)
    waits = {percent: float(value) * _UNITS[unit] for percent, value, unit in found}
    return Load(float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]), waits["50"], waits["99"])  # type: ignore[index]


@contextmanager
def nginx(folder: Path, servers: str) -> Iterator[None]:
    configuration = folder / "nginx.conf"
    configuration.write_text(_NGINX.format(folder=folder, servers=servers))
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(configuration)])
    try:
        time.sleep(1)
        assert process.poll() is None, "nginx did not start"
        yield
    finally:
        process.terminate()
        process.wait(10)


def shipped_front(folder: Path, *, site: RunningSite, port: int) -> str:
    """Return the content of deploy/nginx.conf with the values for this site."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    names = {
        "CACHE_FOLDER": str(folder / "cache"),
        "SITE_PORT": str(site.port),
        "LISTEN_PORT": str(port),
        "SERVER_NAME": "_",
    }
    for name, value in names.items():
        text = text.replace(name, value)
    return text


def page_of(port: int) -> tuple[bytes, str]:
    """Return the front page, and its headers as nginx directives, to serve it as a file with them."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert answer.status == 200, (port, answer.status)
    body = answer.read()
    connection.close()
    headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _OWN_HEADERS]
    assert not any(sign in value for _name, value in headers for sign in '"$\\')
    return body, " ".join(f'add_header {name} "{value}";' for name, value in headers)


def measure(folder: Path) -> list[Row]:
    """Start all servers, measure them alternately, and compare the medians."""
    file_port, headers_port, front_port = free_port(), free_port(), free_port()
    # SITE_URL is the URL of the proxy in front.
    public = {"SITE_URL": f"http://127.0.0.1:{front_port}", "TRUSTED_PROXIES": "1"}
    (folder / "ours").mkdir()
    ours = RunningSite(folder / "ours")
    ours.start()
    # Copied, since collecting static files takes as long as the rest of a start.
    (folder / "fronted").mkdir()
    shutil.copytree(folder / "ours" / "static", folder / "fronted" / "static")
    shutil.copy(folder / "ours" / "static.stamp", folder / "fronted")
    fronted = RunningSite(folder / "fronted", overrides=public)
    fronted.start()
    peer = WagtailStart(folder / "peer", database=None, command=PEER_SERVER)
    try:
        served = folder / "file"
        served.mkdir()
        page, headers = page_of(ours.port)
        (served / "index.html").write_bytes(page)
        (served / "index.html.gz").write_bytes(gzip.compress(page, 9))
        servers = _FILE_SERVER.format(port=file_port, folder=served, headers="")
        servers += _FILE_SERVER.format(port=headers_port, folder=served, headers=headers)
        servers += shipped_front(folder, site=fronted, port=front_port)
        with nginx(folder, servers):
            return _compare(
                {
                    "nginx, file": f"http://127.0.0.1:{file_port}/",
                    "nginx, file with the site's headers": f"http://127.0.0.1:{headers_port}/",
                    "wagtail start": f"http://127.0.0.1:{peer.port}{_PEER_HOME}",
                    "site alone": f"http://127.0.0.1:{ours.port}/",
                    "site behind nginx": f"http://127.0.0.1:{front_port}/",
                }
            )
    finally:
        peer.stop()
        fronted.stop()
        ours.stop()


def _compare(urls: dict[str, str]) -> list[Row]:
    seen: dict[tuple[str, int], list[Load]] = {}
    for connections in CONNECTIONS:
        for _ in range(ROUNDS):
            for name, url in urls.items():
                seen.setdefault((name, connections), []).append(load(url, connections))
    rate = {key: median(one.rate for one in loads) for key, loads in seen.items()}
    p99 = {key: median(one.p99 for one in loads) for key, loads in seen.items()}
    rows = [
        Row(f"{name}, {connections} connections", f"{rate[name, connections]:,.0f}/s")
        for connections in CONNECTIONS
        for name in urls
    ]
    for connections in (16, 64):
        alone, front = rate["site alone", connections], rate["site behind nginx", connections]
        file, start = rate["nginx, file", connections], rate["wagtail start", connections]
        same = rate["nginx, file with the site's headers", connections]
        rows += [
            at_least(f"site alone : nginx with a file, {connections} connections", alone / file, 0.5, why=_WHY_ALONE),
            at_least(f"site alone : wagtail start, {connections} connections", alone / start, 100),
            at_least(
                f"site behind nginx : nginx with a file, {connections} connections", front / file, 1.0, why=_WHY_FRONT
            ),
            Row(f"site behind nginx : nginx with a file and the site's headers, {connections}", f"{front / same:.2f}"),
        ]
    rows.append(at_most("site alone, 99 of 100 waits, 16 connections", p99["site alone", 16], 5, " ms"))
    return rows
