"""Rules about the repository itself: layout, packages, locks, documented commands."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PACKAGES = ("flows", "schemas", "transforms", "warehouse")
FOLDERS = {*PACKAGES, "benchmarks", "data", "docs", "tests"}
LOCKS = ("requirements.txt", "requirements-dev.txt")
PEER_LOCKS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("benchmarks/peers/*.txt"))
MAX_MODULES = 13  # in one package; a larger one is split


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("this is not a git checkout")
    return [Path(name) for name in listing.stdout.split("\0") if name]


def product_modules() -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".py" and path.parts[0] in PACKAGES]


def locked_releases(name: str) -> dict[str, str]:
    """Releases by package; a package with another release for other platforms has both."""
    releases: dict[str, str] = {}
    for package, release in re.findall(r"^([a-z0-9][\w.-]*)==([^\s;\\]+)", (ROOT / name).read_text(), re.MULTILINE):
        releases[package] = f"{releases[package]} {release}" if package in releases else release
    return releases


def package_names(requirements: list[str]) -> set[str]:
    return {match[0].lower() for line in requirements if (match := re.match(r"[\w.-]+", line))}


def deployment(name: str) -> dict[str, Any]:
    text = (ROOT / "prefect.yaml").read_text(encoding="utf-8")
    [found] = [each for each in yaml.safe_load(text)["deployments"] if each["name"] == name]
    return dict(found)


def test_the_top_level_has_only_the_known_folders() -> None:
    folders = {path.parts[0] for path in tracked_files() if len(path.parts) > 1 and not path.parts[0].startswith(".")}
    assert folders <= FOLDERS
    assert folders >= {*PACKAGES, "data", "tests"}


def test_no_module_or_package_has_a_catch_all_name() -> None:
    catch_all = {"utils", "helpers", "common", "misc"}
    modules = [path.with_suffix("") for path in tracked_files() if path.suffix == ".py"]
    assert [path for path in modules if not catch_all.isdisjoint(path.parts)] == []


def test_every_package_has_a_docstring_of_one_line() -> None:
    folders = {parent for path in product_modules() for parent in path.parents if parent.parts}
    for folder in folders:
        docstring = ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text(encoding="utf-8")))
        assert docstring and "\n" not in docstring, folder


def test_no_package_has_too_many_modules() -> None:
    sizes = Counter(path.parent for path in product_modules() if path.stem != "__init__")
    assert {str(package): size for package, size in sizes.items() if size > MAX_MODULES} == {}


def test_no_file_holds_a_path_of_one_machine() -> None:
    own = re.compile(rb"(?<![\w.$}])/(root|home|work|Users|mnt)/\w")
    assert [path for path in tracked_files() if own.search((ROOT / path).read_bytes())] == []


@pytest.mark.parametrize("name", [*LOCKS, *PEER_LOCKS])
def test_a_lock_has_a_hash_for_every_package_and_no_registry_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--(extra-)?index-url|--find-links|--trusted-host)\b", text, re.MULTILINE)
    entries = re.split(r"\n(?=[a-z0-9])", text[text.index("\n", text.rindex("make lock")) + 1 :])
    assert [entry.split("==")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_both_locks_have_the_same_releases_and_every_dependency() -> None:
    runtime, dev = map(locked_releases, LOCKS)
    assert runtime.items() <= dev.items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    required = [*project["project"]["dependencies"], *groups["build"]]
    assert package_names(required) <= runtime.keys()
    assert package_names([line for line in groups["dev"] if isinstance(line, str)]) <= dev.keys()


def test_make_commands_in_the_docs_are_make_targets() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets >= {"install", "demo", "test", "lint", "ui", "lock", "clean"}
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        mentioned = set(re.findall(r"(?:^|`)(?:\$ )?make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert mentioned <= targets, page.name


def test_the_nightly_sync_overwrites_and_fails_if_too_many_rows_are_rejected_or_too_few_come() -> None:
    request = deployment("nightly-sync")["parameters"]["request"]
    assert (request["merge"], request["max_rejected"], request["min_rows"]) == ("overwrite", "10%", "50%")


def test_the_backfill_only_fills_empty_fields() -> None:
    assert deployment("backfill")["parameters"]["request"] == {"merge": "fill-empty"}


def test_the_inbox_is_looked_at_every_five_minutes_once_its_schedule_is_on() -> None:
    [schedule] = deployment("inbox")["schedules"]
    assert (schedule["cron"], schedule["active"]) == ("*/5 * * * *", False)


def test_imports_follow_the_contracts_in_pyproject() -> None:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    linted = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


def test_tests_are_collected_without_a_home_folder(tmp_path: Path) -> None:
    """Prefect warns at import if it cannot create a folder in the home, and warnings are errors."""
    collected = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--collect-only",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/flows/guided/test_forms.py",
        ],
        env={**os.environ, "HOME": str(tmp_path / "not" / "there")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert collected.returncode == 0, collected.stdout
    assert not (tmp_path / "not").exists()
