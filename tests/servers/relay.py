"""A wire between a client and a server that counts what it brings, and that can be held or cut."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK_BYTES = 64 << 10


class Relay:
    """Passes on every connection to ``server``. ``brought``: bytes from it so far, TLS and headers included.

    ``proxy``: clients ask for a host first, by CONNECT, as they ask a proxy; all get the same server. ``asked`` has the
    hosts.
    """

    def __init__(self, server: str, *, proxy: bool) -> None:
        self._proxy = proxy
        self.lead_to(server)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._limit, self._cuts, self._down = 0, False, False
        self._go_on = threading.Event()
        self.reached = threading.Event()
        self.brought = 0
        self.asked: list[str] = []

    @property
    def host(self) -> str:
        """Return where clients connect to, as 127.0.0.1:PORT."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def lead_to(self, server: str) -> None:
        """Lead new connections there."""
        host, _, port = server.rpartition(":")
        self._server = (host, int(port))

    def hold_after(self, size: int) -> None:
        """Bring no more than that, in bytes from now on, until ``go_on``. ``reached`` is set then."""
        self._limit, self._cuts = self.brought + size, False
        self._go_on.clear()

    def cut_after(self, size: int) -> None:
        """Break the connection after that, in bytes from now on; nobody gets through until ``go_on``."""
        self._limit, self._cuts = self.brought + size, True
        self._go_on.clear()

    def go_on(self) -> None:
        """Be a good wire again."""
        self._limit, self._down = 0, False
        self.reached.clear()
        self._go_on.set()

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Take no more, and let go of those that are held."""
        self.go_on()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _pass(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            if self._down:
                return
            if self._proxy:
                self._answer_connect(client)
            with socket.create_connection(self._server) as server:
                threading.Thread(target=_pump, args=(client, server), daemon=True).start()
                while chunk := server.recv(CHUNK_BYTES):
                    client.sendall(chunk)
                    self.brought += len(chunk)
                    if self._limit and self.brought >= self._limit and not self._keeps(client):
                        return

    def _answer_connect(self, client: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        self.asked.append(head.split()[1].decode())
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")

    def _keeps(self, client: socket.socket) -> bool:
        """Return whether the connection goes on."""
        if self._cuts:
            self._down = True
            client.shutdown(socket.SHUT_RDWR)  # closing it is not enough while the other thread waits on it
        self.reached.set()
        if not self._cuts:
            self._go_on.wait()
        return not self._cuts


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK_BYTES):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def running_relay(server: str, *, proxy: bool = False) -> Iterator[Relay]:
    """Run one to ``server`` (HOST:PORT)."""
    relay = Relay(server, proxy=proxy)
    thread = threading.Thread(target=relay.serve)
    thread.start()
    try:
        yield relay
    finally:
        relay.close()
        thread.join()
