"""Whole runs of `contacts check`: each folder here has an input and all that must come of it.

A case holds `input.csv`, `options.json` (reading options by their names in the form; `{}` for none),
perhaps a `catalogue.yaml`, and what is expected: `report.json`, `accepted.csv`, `rejected.csv`. To write
the expected files anew, set CONTACTS_TEST_WRITE_GOLDEN and read the difference before committing it.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from flows.config.request import ReadingOptions
from flows.config.settings import Settings
from flows.pipeline.check import check_locally
from schemas.validation.rules import Rule

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/options.json"))
OUTPUTS = ("accepted.csv", "rejected.csv")


def run(case: Path, tmp_path: Path, chunk_bytes: int) -> dict[str, Any]:
    """Check the case's input; the report without what differs from run to run."""
    options = ReadingOptions(source=str(case / "input.csv"), **json.loads((case / "options.json").read_text()))
    catalogue = case / "catalogue.yaml"
    settings = Settings(home=tmp_path, catalogue=catalogue if catalogue.exists() else None, workers=2)
    settings = settings.model_copy(update={"chunk_bytes": chunk_bytes})
    work = tmp_path / "work"
    work.mkdir()
    accepted, rejected = (str(tmp_path / name) for name in OUTPUTS)
    report = check_locally(options, settings, work, accepted, rejected).report
    assert report["source"] == str(case / "input.csv")
    assert report["rejected_file"] == (rejected if report["status"] == "completed" else None)
    changing = ("seconds", "source", "rejected_file")
    text = json.dumps({name: value for name, value in report.items() if name not in changing})
    return dict(json.loads(text.replace(f"{case}{os.sep}", "")))


@pytest.mark.parametrize("chunk_bytes", [8 << 20, 50], ids=["one-chunk", "tiny-chunks"])
@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, chunk_bytes: int, tmp_path: Path) -> None:
    case = HERE / name
    report = run(case, tmp_path, chunk_bytes)
    written = [output for output in OUTPUTS if report["status"] == "completed"]
    if "CONTACTS_TEST_WRITE_GOLDEN" in os.environ:
        text = json.dumps(report, indent=2, ensure_ascii=False)
        (case / "report.json").write_text(text + "\n", encoding="utf-8")
        for output in written:
            shutil.copyfile(tmp_path / output, case / output)
    assert report == json.loads((case / "report.json").read_text(encoding="utf-8"))
    for output in OUTPUTS:
        assert (case / output).exists() == (output in written)
        assert output not in written or (tmp_path / output).read_bytes() == (case / output).read_bytes()


def test_every_code_is_in_a_golden_run() -> None:
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in HERE.glob("*/report.json")]
    assert {code for report in reports for code in report["rejections"]} == set(Rule)
    outcomes = {column["outcome"] for report in reports for column in report["columns"]}
    assert outcomes == {"imported", "incomplete", "unknown-field", "ignored"}
