"""An import that left rows out is told to a webhook, by the automation of the docs, on a server as operators run it."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.ui.house import CHECKOUT, PREFECT, PrefectHouse, wait_for

pytestmark = [pytest.mark.ui, pytest.mark.xdist_group("ui")]

EXAMPLE = CHECKOUT / "docs" / "automations.yaml"
NO_BLOCK = "00000000-0000-0000-0000-000000000000"
MAKE_BLOCK = """\
from prefect.blocks.webhook import Webhook
print(Webhook(url={url!r}, headers={{"Content-Type": "application/json"}}).save("contacts", overwrite=True))
"""


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a web server on loopback, and what it was sent."""
    received: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}/hook", received
        server.shutdown()
        serving.join()


def run(house: PrefectHouse, *command: str) -> str:
    ran = subprocess.run(
        command, cwd=CHECKOUT, env=house.environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.strip()


def test_a_webhook_is_told(house: PrefectHouse, webhook: tuple[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    address, received = webhook
    block = run(house, sys.executable, "-P", "-c", MAKE_BLOCK.format(url=address))
    ours = tmp_path / EXAMPLE.name
    example = EXAMPLE.read_text()
    assert NO_BLOCK in example
    ours.write_text(example.replace(NO_BLOCK, block))
    assert "contacts-imports-to-look-at" in run(house, *PREFECT, "automation", "create", "--from-file", str(ours))

    source = tmp_path / "zq7marked.csv"
    source.write_text("email,points\nann@example.com,1\nzq7marked,2\nbob@example.com,3\n")
    run_id = house.start("import", {"source": str(source)})
    [told] = wait_for(lambda: received, "the webhook")
    assert told["event"] == "contacts.import.rejected-rows"
    assert told["text"].endswith(f"/runs/flow-run/{run_id}")
    number = told["details"].pop("import_id")
    assert told["text"].startswith(f"import {number}: rejected-rows, see http://")
    assert told["details"] == {
        "rows": {"read": 3, "accepted": 2, "rejected": 1},
        "reasons": {"email-invalid": 1},
    }
    assert "zq7marked" not in json.dumps(told)
