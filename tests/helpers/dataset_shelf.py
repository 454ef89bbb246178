"""A server of IMDb's datasets that holds just the rows that a test puts there."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.sources.datasets import DATASETS


class Shelf:
    """The files by name of the dataset; every request is noted in `asked`.

    While `says_length` is false, no answer says how long it is.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.url = ""
        self.says_length = True

    def put(self, rows: Mapping[str, bytes | str]) -> None:
        """Put files of these rows there, under the header that they must have."""
        for name, text in rows.items():
            body = text.encode() if isinstance(text, str) else text
            head = "\t".join(DATASETS[name].header).encode() + b"\n"
            self.files[name] = gzip.compress(head + body, 1, mtime=0)

    def downloads(self) -> list[str]:
        """Name the datasets that were downloaded since the last call, in order."""
        found = [name for method, name in self.asked if method == "GET"]
        self.asked.clear()
        return found


@contextmanager
def open_shelf() -> Iterator[Shelf]:
    """Serve a shelf while the block runs."""
    shelf = Shelf()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/").removesuffix(".tsv.gz")
            body = shelf.files.get(name)
            etag = f'"{hashlib.md5(body or b"", usedforsecurity=False).hexdigest()}"'
            status = 404 if body is None else 200
            if body is not None and self.headers.get("If-None-Match") == etag:
                status = 304
            else:
                shelf.asked.append((self.command, name))
            self.send_response(status)
            if status == 200 and body is not None and shelf.says_length:
                self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", etag)
            self.end_headers()
            if status == 200 and self.command == "GET" and body is not None:
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    # It looks whether it shall end every 20 ms, not every 500.
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    shelf.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield shelf
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def context_of(shelf: Shelf, warehouse_url: str, folder: Path) -> jobs.Context:
    """Return the context of jobs that load from a shelf; lake and downloads lie in the folder."""
    return jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url, lake_url=(folder / "lake").as_uri(),
            catalogue_url=shelf.url, catalogue_dir=folder / "downloads",
        )
    )  # fmt: skip
