"""A server that answers each request with the next of the given byte strings, for what no decent server says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HANG_UP = b"<hang up>"
"""Close the connection after what was sent before this mark."""
SAY_NOTHING = b"<say nothing>"


@dataclass(slots=True)
class Script:
    """What a server was asked, and what it says next; the last answer is said for ever."""

    answers: list[bytes]
    port: int = 0
    route: Callable[[str], bytes] | None = None
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/service"

    def next_answer(self, request: bytes) -> bytes:
        """Return the answer to a request: the next one, or what `route` returns for its target."""
        if self.route is not None:
            return self.route(request.split(b" ", 2)[1].decode())
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@asynccontextmanager
async def scripted_server(
    *answers: bytes, pause: Callable[[], float] = lambda: 0, route: Callable[[str], bytes] | None = None
) -> AsyncIterator[Script]:
    """Serve on a free port."""
    script = Script(list(answers), route=route)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                body = await reader.readexactly(int(length[0].partition(b":")[2]) if length else 0)
                script.requests.append(head + body)
                answer = script.next_answer(head)
                if answer == SAY_NOTHING:
                    await asyncio.sleep(30)
                await asyncio.sleep(pause())
                writer.write(answer.removesuffix(HANG_UP))
                await writer.drain()
                if answer.endswith(HANG_UP):
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()


def answer(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """A decent answer."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body
