"""The automation in the docs calls a webhook when an import rejects rows."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.ui.prefect_site import CHECKOUT, PREFECT, PrefectSite, wait_for

pytestmark = pytest.mark.ui

EXAMPLE = CHECKOUT / "docs" / "automations.yaml"
NO_BLOCK = "00000000-0000-0000-0000-000000000000"
CREATE_BLOCK = """\
from prefect.blocks.webhook import Webhook
print(Webhook(url={url!r}, headers={{"Content-Type": "application/json"}}).save("contacts", overwrite=True))
"""


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a local web server, and the requests it has received."""
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


def run(site: PrefectSite, *command: str) -> str:
    ran = subprocess.run(
        command, cwd=CHECKOUT, env=site.environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.strip()


def test_the_automation_of_the_docs_reports_rejected_rows_to_a_webhook_without_values(
    site: PrefectSite, webhook: tuple[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    address, received = webhook
    block = run(site, sys.executable, "-P", "-c", CREATE_BLOCK.format(url=address))
    automation = tmp_path / EXAMPLE.name
    example = EXAMPLE.read_text()
    assert NO_BLOCK in example
    automation.write_text(example.replace(NO_BLOCK, block))
    assert "contacts-imports-to-look-at" in run(site, *PREFECT, "automation", "create", "--from-file", str(automation))

    source = tmp_path / "zq7marked.csv"
    source.write_text("email,points\nann@example.com,1\nzq7marked,2\nbob@example.com,3\n")
    run_id = site.start("import", {"source": str(source)})
    [message] = wait_for(lambda: received, "the webhook")
    assert message["event"] == "contacts.import.rejected-rows"
    assert message["text"].endswith(f"/runs/flow-run/{run_id}")
    number = message["details"].pop("import_id")
    assert message["text"].startswith(f"import {number}: rejected-rows, see http://")
    assert message["details"] == {
        "rows": {"read": 3, "accepted": 2, "rejected": 1},
        "reasons": {"email-invalid": 1},
    }
    assert "zq7marked" not in json.dumps(message)
