"""Requests to the web (`sat:host/http`): `text(await get("https://example.org/feed"))`.

The manifest names the hosts (`[http] hosts`), and the permission is called `http`.
"""

from __future__ import annotations

from collections.abc import Iterable

from .bindings.sat.host.http import Request, Response, fetch
from .errors import SatError

__all__ = ["Request", "Response", "fetch", "get", "header", "ok", "request", "text"]


async def get(url: str) -> Response:
    """Gets a page; any status but 2xx is an error."""
    return ok(await request("GET", url))


async def request(
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes | None = None,
    timeout_ms: int | None = None,
    max_bytes: int | None = None,
) -> Response:
    """Sends a request; an answer of any status is an answer."""
    return await fetch(Request(method, url, list(headers), body, timeout_ms, max_bytes))


def ok(response: Response) -> Response:
    """The answer if its status is 2xx, else an error.

    `not-found` for 404 and 410, `forbidden` for 401 and 403, `http-error` for others.
    """
    if 200 <= response.status < 300:
        return response
    words = {404: "not-found", 410: "not-found", 401: "forbidden", 403: "forbidden"}
    message = f"{response.url} answered with status {response.status}"
    raise SatError(words.get(response.status, "http-error"), message)


def header(response: Response, name: str) -> str | None:
    """The first header of this name."""
    return next((value for key, value in response.headers if key == name.lower()), None)


def text(response: Response) -> str:
    """The whole body as UTF-8; an error when it isn't, or when it was cut."""
    if response.truncated:
        message = f"{response.url} is longer than was asked for (max_bytes)"
        raise SatError("limit-reached", message)
    try:
        return response.body.decode("utf-8")
    except UnicodeDecodeError:
        raise SatError("bad-text", f"{response.url} is not UTF-8 text") from None
