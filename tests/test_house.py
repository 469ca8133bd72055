"""The house rules that a script can check."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
PACKAGES = ("flows", "schemas", "transforms", "warehouse")
FOLDERS = {*PACKAGES, "benchmarks", "data", "docs", "tests"}
LOCKS = ("requirements.txt", "requirements-dev.txt")
PEERS_LOCK = "benchmarks/peers/requirements.txt"


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=HOUSE, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("this is no git checkout")
    return [Path(name) for name in listing.stdout.split("\0") if name]


def locked(name: str) -> dict[str, str]:
    """Release by package; a package locked twice, for two kinds of machine, has both releases."""
    releases: dict[str, str] = {}
    for package, release in re.findall(r"^([a-z0-9][\w.-]*)==([^\s;\\]+)", (HOUSE / name).read_text(), re.MULTILINE):
        releases[package] = f"{releases[package]} {release}" if package in releases else release
    return releases


def names(requirements: list[str]) -> set[str]:
    return {match[0].lower() for line in requirements if (match := re.match(r"[\w.-]+", line))}


def test_the_top_level_has_the_rooms_of_the_house_and_no_other() -> None:
    folders = {path.parts[0] for path in tracked() if len(path.parts) > 1 and not path.parts[0].startswith(".")}
    assert folders <= FOLDERS
    assert folders >= {*PACKAGES, "data", "tests"}


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "helpers", "common", "misc"}
    assert [path for path in tracked() if path.suffix == ".py" and path.stem in drawers] == []


@pytest.mark.parametrize("name", [*LOCKS, PEERS_LOCK])
def test_a_lock_holds_hashes_and_no_address(name: str) -> None:
    text = (HOUSE / name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--(extra-)?index-url|--find-links|--trusted-host)\b", text, re.MULTILINE)
    entries = re.split(r"\n(?=[a-z0-9])", text[text.index("\n", text.rindex("make lock")) + 1 :])
    assert [entry.split("==")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_locks_agree_and_hold_every_dependency() -> None:
    runtime, dev = map(locked, LOCKS)
    assert runtime.items() <= dev.items()
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    wanted = [*project["project"]["dependencies"], *groups["build"]]
    assert names(wanted) <= runtime.keys()
    assert names([line for line in groups["dev"] if isinstance(line, str)]) <= dev.keys()


def test_the_commands_that_the_docs_name_are_make_targets() -> None:
    targets = set(re.findall(r"^([a-z]+):", (HOUSE / "Makefile").read_text(), re.MULTILINE))
    assert targets >= {"install", "demo", "test", "lint", "ui", "lock", "clean"}
    for page in (HOUSE / "README.md", HOUSE / "CONTRIBUTING.md", *(HOUSE / "docs").glob("*.md")):
        named = set(re.findall(r"(?:^|`)(?:\$ )?make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, page.name


def test_imports_go_one_way() -> None:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    linted = subprocess.run([sys.executable, "-c", program], cwd=HOUSE, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


def test_the_tests_need_no_home(tmp_path: Path) -> None:
    """Prefect's warning of a home that it cannot make would be an error before the first test."""
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests/flows/test_forms.py"],
        env={**os.environ, "HOME": str(tmp_path / "not" / "there")},
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert collected.returncode == 0, collected.stdout
    assert not (tmp_path / "not").exists()
