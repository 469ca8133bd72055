"""Whole runs of `contacts check`: each folder here is a case with an input and its expected outputs.

A case has `input.csv`, `options.json` (reading options by their names in the form), optionally `catalogue.yaml`,
and the expected `report.json`, `accepted.csv` and `rejected.csv`. To write the expected files again, set
CONTACTS_TEST_WRITE_GOLDEN, and review the difference before committing it.
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

FOLDER = Path(__file__).parent
CASES = sorted(path.parent.name for path in FOLDER.glob("*/options.json"))
OUTPUTS = ("accepted.csv", "rejected.csv")


def run(case: Path, tmp_path: Path, chunk_bytes: int) -> dict[str, Any]:
    """Check the case's input and return the report without the values that change from run to run."""
    options = ReadingOptions(source=str(case / "input.csv"), **json.loads((case / "options.json").read_text()))
    catalogue = case / "catalogue.yaml"
    settings = Settings(home=tmp_path, catalogue=catalogue if catalogue.exists() else None, workers=2)
    settings = settings.model_copy(update={"chunk_bytes": chunk_bytes})
    work = tmp_path / "work"
    work.mkdir()
    accepted, rejected = (str(tmp_path / name) for name in OUTPUTS)
    report = check_locally(options, settings, work, accepted, rejected).report.model_dump()
    assert report["source"] == str(case / "input.csv")
    assert report["rejected_file"] == (rejected if report["status"] == "completed" else None)
    variable = ("seconds", "source", "rejected_file")
    text = json.dumps({name: value for name, value in report.items() if name not in variable})
    return dict(json.loads(text.replace(f"{case}{os.sep}", "")))


@pytest.mark.parametrize("chunk_bytes", [8 << 20, 50], ids=["one-chunk", "tiny-chunks"])
@pytest.mark.parametrize("name", CASES)
def test_a_check_writes_the_expected_report_and_files(name: str, chunk_bytes: int, tmp_path: Path) -> None:
    case = FOLDER / name
    report = run(case, tmp_path, chunk_bytes)
    expected = [output for output in OUTPUTS if report["status"] == "completed"]
    if "CONTACTS_TEST_WRITE_GOLDEN" in os.environ:
        text = json.dumps(report, indent=2, ensure_ascii=False)
        (case / "report.json").write_text(text + "\n", encoding="utf-8")
        for output in expected:
            shutil.copyfile(tmp_path / output, case / output)
    assert report == json.loads((case / "report.json").read_text(encoding="utf-8"))
    for output in OUTPUTS:
        assert (case / output).exists() == (output in expected)
        assert output not in expected or (tmp_path / output).read_bytes() == (case / output).read_bytes()


def test_the_cases_cover_every_rule_and_column_outcome() -> None:
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*/report.json")]
    assert {code for report in reports for code in report["rejections"]} == set(Rule) - {Rule.SUPPRESSED}
    outcomes = {column["outcome"] for report in reports for column in report["columns"]}
    assert outcomes == {"imported", "incomplete", "unknown-field", "ignored"}
