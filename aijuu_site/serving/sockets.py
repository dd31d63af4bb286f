"""The socket that the site listens on: its own, or one that systemd holds while the site restarts."""

import errno
import os
import socket
import stat
from contextlib import suppress

# The kernel closes a connection whose client accepts no data for this long.
SEND_SECONDS = 60
BACKLOG = 1024
# The first descriptor that systemd passes (sd_listen_fds(3)).
_FIRST_PASSED = 3


def passed_socket() -> socket.socket | None:
    """Return the listening socket that systemd has passed to this process; None if there is none.

    Connections that arrive while the site restarts wait in it. Call this before any fork: systemd passes it to one
    process.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        return None
    return socket.socket(fileno=_FIRST_PASSED)


def is_reached_at(listener: socket.socket, host: str, port: int) -> bool:
    """Return whether a connection to `host`:`port` reaches the listening socket."""
    if listener.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    own_host, own_port, *_rest = listener.getsockname()
    named = {address[0] for *_kind, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    return own_port == port and own_host in {*named, "0.0.0.0", "::"}  # noqa: S104


def port_is_free(host: str, port: int) -> bool:
    """Return False if another process listens on `host`:`port`.

    Raises OSError if listening is impossible for another reason (no such address, no permission).
    """
    family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        # The server does the same: recently closed connections don't block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a new listening socket."""
    family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(BACKLOG)
    return listener


def set_up_listener(listener: socket.socket) -> None:
    """Let its connections end when the client accepts no data for SEND_SECONDS, and let child processes inherit it."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Inherited by each connection.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SEND_SECONDS * 1000)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    listener.set_inheritable(True)


def cut_connection(client: str) -> None:
    """Shut down this process's connection from `client` ("host:port"), even if its server still has data to send.

    Does nothing if there is no such connection, or no list of open files (Windows).
    """
    with suppress(OSError):
        for name in os.listdir("/dev/fd"):
            # The descriptor was closed meanwhile, or is not connected.
            with suppress(OSError):
                # The socket object closes the duplicate, but can be created only for a socket.
                if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                    continue
                with socket.socket(fileno=os.dup(int(name))) as connection:
                    if _peer(connection) == client:
                        connection.shutdown(socket.SHUT_RDWR)
                        return


def _peer(connection: socket.socket) -> str:
    """Return "host:port" as granian writes it; "" for another kind of socket. Raises OSError if not connected."""
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return ""
    host, port, *_rest = connection.getpeername()
    return f"{f'[{host}]' if ':' in host else host}:{port}"
