"""Does the web server answer yet?"""

import http.client
from urllib.parse import urlsplit

from aijuu_site.serving.ports import reachable_host


def site_answers(host: str, port: int, site_url: str) -> bool:
    """Tell whether /healthz/ answers, asked by the host name of `site_url`."""
    connection = http.client.HTTPConnection(reachable_host(host), port, timeout=5)
    try:
        connection.request("GET", "/healthz/", headers={"Host": urlsplit(site_url).netloc})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
