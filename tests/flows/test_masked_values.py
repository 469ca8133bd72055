"""With masked values, no log, output or record of Prefect has a value of a contact."""

import gzip
import logging
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import Contacts, PrefectApi, drain_prefect
from tests.flows.guided.test_guided_import import Guided
from tests.flows.pipeline.test_multi_file import audience
from tests.flows.test_presets import MAGENTO, SHOPIFY

MARK = "qx9marked"
GOOD = f"email,name,mobile_phone,points\n{MARK}@example.com,{MARK},+34651234567,1\n"
BAD = f'{MARK} bad,{MARK},6512{MARK},{MARK}\n{MARK},{MARK}\n"{MARK}"{MARK},a,b,c\n{MARK}@example.com,,+34651234568,2\n'


@pytest.fixture
def masked(contacts: Contacts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Contacts:
    monkeypatch.setenv("CONTACTS_ARTIFACT_VALUES", "masked")
    caplog.set_level(logging.DEBUG)
    return contacts


@pytest.mark.parametrize("warehouse_url", ["sqlite"], indirect=True)
def test_with_masked_values_no_contact_value_is_outside_warehouse_and_import_folder(
    masked: Contacts, prefect_api: PrefectApi, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []

    def run(status: int, text: str | bytes, *options: str, name: str = "contacts.csv") -> Any:
        ran = masked("import", masked.file(text, name), "--json", *options)
        said.append(ran.out + ran.err)
        assert ran.status == status, ran.json
        return ran.json

    first = run(0, GOOD + BAD, "--merge", "overwrite", "--gaps", "allow")
    assert first["rows"]["rejected"] == 4, "and one of them a duplicate"
    assert len(masked.database.run(f"select 1 from contacts where name like '%{MARK}%' or email like '%{MARK}%'")) == 1
    mended = Path(first["rejected_file"]).read_text("utf-8")
    assert MARK in mended, "the file to mend shows what to mend"
    run(0, mended, "--retry-of", "1", name="mended.csv")
    run(0, GOOD + BAD, "--merge", "overwrite", "--gaps", "allow", "--if-same-file", "skip")
    run(0, gzip.compress((GOOD + BAD).encode()), name="contacts.csv.gz")
    run(1, GOOD + BAD, "--max-rejected", "1")
    run(1, GOOD + BAD, "--no-header", "--map", "column_2=email", "--max-rejected", "0")
    run(1, f"{MARK}@example.com,{MARK}\n{MARK},x\n")
    run(1, f"{MARK}@example.com,{MARK}\n".encode() * 2 + b"\0" * 90)
    run(
        0,
        SHOPIFY.text({"Email": f"{MARK}3@example.com"}, {"Email": MARK, "Accepts Email Marketing": MARK}),
        "--preset",
        "auto",
    )
    run(
        0,
        MAGENTO.text({"email": f"{MARK}4@example.com", "password_hash": MARK}, {"email": MARK}),
        "--preset",
        "magento2",
    )
    path = audience(masked.folder, unsubscribed={"Email Address": MARK}, cleaned={"First Name": MARK})
    ran = masked("import", path, "--preset", "mailchimp")
    said.append(ran.out + ran.err)
    said += [masked("imports").out, masked("imports", "1").out, masked("imports", "1", "--json").out]

    guided = Guided(masked, source=str(masked.file(GOOD + BAD, "guided.csv")), merge="overwrite", gaps="allow")
    said += [str(guided.form), guided.description]
    guided.answer()
    said += [str(guided.form), guided.description, guided.artifact("import-preview")]
    guided.answer(decision="go on")
    assert guided.run.state.type.value == "COMPLETED"

    drain_prefect()
    assert [text for text in said if MARK in text.lower()] == []
    assert MARK not in caplog.text.lower()
    files = [path for path in prefect_api.home.rglob("*") if path.is_file()]
    assert "prefect.db" in {path.name for path in files}
    assert [path.name for path in files if MARK.encode() in path.read_bytes().lower()] == []
    listed = str(masked.database.rows("imports") + masked.database.rows("import_columns", order="1, 2"))
    assert MARK not in listed.lower()
