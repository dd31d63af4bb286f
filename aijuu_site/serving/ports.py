"""Is an address free to listen on?"""

import errno
import socket


def port_is_free(host: str, port: int) -> bool:
    """Tell whether a server can listen on `host`:`port` now.

    Raises OSError where the reason is another than somebody listening there (no such address, no permission).
    """
    family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        # As the real server does: connections that were just closed are no obstacle, a listener is.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def reachable_host(host: str) -> str:
    """Return the address by which this machine itself reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
