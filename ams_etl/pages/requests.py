"""Read a request into plain values, before anything is decided: its size is limited, and no value holds a NUL."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

MOST_BYTES = 4_000_000
MOST_FIELDS = 5_000
LONGEST_QUERY = 8_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as plain values.

    Attributes:
        secure: whether it came over TLS, here or at a trusted proxy.
        same_site: False where the browser says that another site caused it.
        proxy_user: the user that a trusted proxy has signed in.
        came_from: the page of ours that the request was made on, where the browser says so.
    """

    method: str
    path: str
    query_text: str
    address: str
    cookies: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    files: Mapping[str, bytes]
    same_site: bool
    proxy_user: str | None
    came_from: str | None


async def read_request(request: Request, proxy_header: str | None, trusted_proxies: tuple[str, ...]) -> Asked:
    """Read everything that a screen may need.

    Raises:
        HTTPException: 400 for a value with a NUL or a malformed form, 413 for one that is too large.
    """
    if len(request.url.query) > LONGEST_QUERY:
        raise HTTPException(414)
    form: dict[str, str] = {}
    files: dict[str, bytes] = {}
    if request.method == "POST":
        await _limit(request)
        async with request.form(max_files=2, max_fields=MOST_FIELDS, max_part_size=MOST_BYTES) as given:
            for name, value in given.multi_items():
                if isinstance(value, UploadFile):
                    files[name] = await value.read()
                else:
                    form[name] = value
    query = dict(request.query_params)
    if any(
        "\x00" in text
        for values in (query, form, request.path_params)
        for pair in values.items()
        for text in map(str, pair)
    ):
        raise HTTPException(400)
    address = request.client.host if request.client else ""
    trusted = proxy_header is not None and address in trusted_proxies
    return Asked(
        request.method, request.url.path, request.url.query, address, request.cookies, query, form, files,
        request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"},
        request.headers.get(proxy_header) if trusted and proxy_header else None,
        _came_from(request),
    )  # fmt: skip


def _came_from(request: Request) -> str | None:
    try:
        page = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return None
    if page.netloc != request.url.netloc or not page.path.startswith("/"):
        return None
    return "/" + page.path.lstrip("/") + (f"?{page.query}" if page.query else "")


async def _limit(request: Request) -> None:
    """Refuse a body by its announced size; one without a size is refused, too."""
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        raise HTTPException(411)
    if int(length[:20]) > MOST_BYTES:
        raise HTTPException(413)
