"""A web server on loopback that can be slow, disconnect, refuse, redirect, and change files while they are read."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """A file and how it is served; each of the `troubles` affects one request."""

    content: bytes
    etag: str | None = None
    redirect: str | None = None
    head: bool = True
    login: str | None = None
    length: bool = True
    troubles: list[str] = field(default_factory=list)
    served: Callable[["Page"], None] = lambda page: None


@dataclass
class Site:
    """The pages, and a log of `METHOD /path`; `sent` counts the bytes of bodies."""

    url: str
    pages: dict[str, Page] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    logins: list[str | None] = field(default_factory=list)
    sent: int = 0

    @property
    def origin(self) -> str:
        return self.url


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = self.path.partition("?")[0]
        self.site.log.append(f"{self.command} {path}")
        self.site.logins.append(self.headers.get("Authorization"))
        page = self.site.pages.get(path)
        if page is None:
            return self._plain(404)
        trouble = page.troubles.pop(0) if page.troubles and body else ""
        if trouble.isdigit():
            return self._plain(int(trouble))
        if page.redirect:
            return self._plain(302, Location=page.redirect)
        if not (page.head or body):
            return self._plain(405)
        if page.login and self.headers.get("Authorization") != page.login:
            return self._plain(401)
        return self._send(page, body, trouble)

    def _send(self, page: Page, body: bool, trouble: str) -> None:
        self.send_response(200)
        if page.length:
            self.send_header("Content-Length", str(len(page.content)))
        if page.etag:
            self.send_header("ETag", page.etag)
        self.end_headers()
        if not body:
            return
        half = len(page.content) // 2
        self._write(page.content[:half])
        if trouble == "cut":
            self.close_connection = True
            self.connection.close()
            return
        if trouble == "stall":
            time.sleep(1.5)
        self._write(page.content[half:])
        page.served(page)

    def _write(self, content: bytes) -> None:
        try:
            self.wfile.write(content)
            self.wfile.flush()
            self.site.sent += len(content)
        except OSError:  # the reader has gone
            self.close_connection = True

    def _plain(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@contextmanager
def web_site(host: str = "127.0.0.1") -> Iterator[Site]:
    """A new server while the context is open."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer((host, 0), handler)
    site = handler.site = Site(f"http://{host}:{server.server_address[1]}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
