"""Does the web server answer yet?"""

import http.client

from aijuu_site.serving.ports import reachable_host


def site_answers(host: str, port: int) -> bool:
    """Tell whether /healthz/live/ answers, asked by address as any machine inside asks."""
    connection = http.client.HTTPConnection(reachable_host(host), port, timeout=5)
    try:
        connection.request("GET", "/healthz/live/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
