"""A request's body, bounded."""

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

TOO_LATE = {"Retry-After": "5"}
"""Beside a 503: nothing was stored for certain."""


async def read_body(request: Request, max_bytes: int) -> bytes | Response:
    """The body, or the answer to one that is too large or was never finished.

    How long it may take is the server's to say.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > max_bytes:
        return _oversized(max_bytes)
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > max_bytes:
                return _oversized(max_bytes)
            chunks.append(chunk)
    except ClientDisconnect:
        return Response(status_code=400)
    return b"".join(chunks)


def _oversized(max_bytes: int) -> Response:
    # What is left of the body is not read, so the connection cannot be used again.
    return PlainTextResponse(f"more than {max_bytes} bytes", 413, {"Connection": "close"})
