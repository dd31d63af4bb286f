"""A DNS server on loopback with a few records."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset

# (name, type): the records as text.
Records = Mapping[tuple[str, str], list[str]]


@contextmanager
def dns_server(records: Records) -> Iterator[dns.resolver.Resolver]:
    """Yield a resolver for a server that answers NXDOMAIN for every name without records."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_serve, args=(server, records), daemon=True)
        thread.start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.getsockname()[1]
        resolver.lifetime = resolver.timeout = 5.0
        try:
            yield resolver
        finally:
            # An empty packet stops the server.
            server.sendto(b"", server.getsockname())
            thread.join()


def _serve(server: socket.socket, records: Records) -> None:
    while True:
        question, sender = server.recvfrom(4096)
        if not question:
            return
        server.sendto(_answer(dns.message.from_wire(question), records).to_wire(), sender)


def _answer(query: dns.message.Message, records: Records) -> dns.message.Message:
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.RA
    asked = query.question[0]
    name, kind = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
    found = records.get((name, kind), [])
    if found:
        answer.answer.append(dns.rrset.from_text_list(asked.name, 60, asked.rdclass, asked.rdtype, found))
    elif not any(known == name for known, _kind in records):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer
