"""An HTTP server that takes the sandbox's notifications and answers as a test wants."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Recipient:
    """What came, in its order; `status` decides each answer from its body."""

    url: str = ""
    status: Callable[[bytes], int] = lambda _: 200
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def recipient() -> Iterator[Recipient]:
    """Listen on a free port."""
    taken = Recipient()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.bodies.append(body)
            self.send_response(taken.status(body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    taken.url = f"http://127.0.0.1:{server.server_address[1]}/in"
    try:
        yield taken
    finally:
        server.shutdown()
        server.server_close()
