"""The docs match the code. UPDATE_DOCS=1 updates the tables that come from the code."""

import os
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from flows.cli.parser import build_parser
from schemas.errors.request import UsageError
from tests.docs.reference import ARCHITECTURE, PACKAGES, PRESETS, REFERENCE, RULES, errors, options, sections
from tests.docs.sections import PROJECT, UPDATE_COMMAND, Section

UPDATE = bool(os.environ.get("UPDATE_DOCS"))
SECTIONS = sections()
OPERATIONS = "docs/operations.md"
USER_PAGES = ("README.md", OPERATIONS, RULES, REFERENCE, PRESETS, "data/README.md")
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)>\s]+)>?[^)]*\)")


def pages() -> list[Path]:
    """Every page of the project, except those in hidden folders."""
    own = [path for path in PROJECT.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted([*PROJECT.glob("*.md"), *(page for folder in own for page in folder.rglob("*.md"))])


def read(page: str | Path) -> str:
    return (PROJECT / page).read_text(encoding="utf-8")


def sources() -> str:
    """The code of the four packages."""
    return "\n".join(path.read_text(encoding="utf-8") for name in PACKAGES for path in (PROJECT / name).rglob("*.py"))


def variables(text: str) -> set[str]:
    """The names of our environment variables in a text."""
    return set(re.findall(r"\bCONTACTS_[A-Z_]*[A-Z]\b", text))


def examples(text: str) -> list[str]:
    """The `contacts …` commands of the shell blocks of a page, continued lines joined."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    commands = [line.partition(" || ")[0].strip() for line in lines]
    return [command for command in commands if re.match(r"(?:\.venv/bin/)?contacts ", command)]


def without_other_programs(text: str) -> str:
    """A page without comments, and without the commands of other programs, whose options are not ours."""
    programs = r"(?:\.venv/bin/)?(?:prefect|dask) "
    return re.sub(rf"<!--.*?-->|^{programs}.*$|`{programs}[^`]*`", "", text, flags=re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors of a page: its headings, as GitHub spells them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("section", [pytest.param(section, id=section.name) for section in SECTIONS])
def test_a_table_matches_the_code(section: Section) -> None:
    text = read(section.page)
    if UPDATE:
        (PROJECT / section.page).write_text(section.updated(text), encoding="utf-8")
        text = read(section.page)
    assert section.found_in(text), f"{section.page} has no markers of the section {section.name!r}"
    assert section.found_in(text) == section.table(text), f"{section.page} is outdated; update it: {UPDATE_COMMAND}"


@pytest.mark.parametrize("section", [pytest.param(section, id=section.name) for section in SECTIONS if section.by_hand])
def test_every_cell_written_by_hand_is_filled_in(section: Section) -> None:
    by_hand = section.written_by_hand(read(section.page))
    assert [key for key, cells in by_hand.items() if not all(cells)] == [], (
        f"fill in the last columns in {section.page}"
    )


def test_an_updated_table_keeps_what_was_written_by_hand() -> None:
    rows = "| code | note |\n| --- | --- |\n| `a` | of a \\| b |\n| `gone` | x |\n"
    old = f"<!-- from the code: t -->\n{rows}<!-- end -->\n"
    section = Section("t", RULES, ("code", "exit"), (("`b`", "2"), ("`a`", "1")), ("note",))
    assert section.updated(old).splitlines()[1:-1] == [
        "| code | exit | note |",
        "| --- | --- | --- |",
        "| `b` | 2 |  |",
        "| `a` | 1 | of a \\| b |",
    ]


@pytest.mark.parametrize("page", [page for page in USER_PAGES if page != RULES])
def test_the_parser_accepts_every_example(page: str) -> None:
    found = examples(read(page))
    assert found
    for line in found:
        build_parser().parse_args(shlex.split(line.replace("$day", "2026-11-18"), comments=True)[1:])


@pytest.mark.parametrize("page", USER_PAGES)
def test_every_option_named_in_a_page_for_users_exists(page: str) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", without_other_programs(read(page))))
    assert named <= {*options(), "--help", "--version"}


def test_the_reference_lists_every_variable_and_no_page_names_another() -> None:
    settings = {row[0].strip("`") for section in SECTIONS if section.name == "settings" for row in section.rows}
    known = settings | variables(sources())
    assert known <= variables(read(REFERENCE))
    of_tests = {"CONTACTS_TEST_POSTGRES_URL", "CONTACTS_BENCH_POSTGRES_URL"}
    for page in pages():
        assert variables(read(page)) <= known | of_tests, page.name


def test_the_table_lists_every_error_code() -> None:
    assert set(re.findall(r'code: ClassVar\[str\] = "([a-z-]+)"', sources())) <= errors().keys()


def test_only_usage_errors_end_with_another_exit_status_than_1() -> None:
    assert [name for name, kinds in errors().items() if issubclass(kinds[0], UsageError)] == [
        "usage",
        "output-protected",
        "output-exists",
    ]


def test_the_architecture_page_gives_a_reason_for_every_dependency() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    lines = [*project["project"]["dependencies"]]
    for group in project["dependency-groups"].values():
        lines += [line for line in group if isinstance(line, str)]
    wanted = {match[0] for line in lines if (match := re.match(r"[\w.-]+", line))}
    reasons = set(re.findall(r"^\| `([\w.-]+)` \| .*\w.* \|$", read(ARCHITECTURE), re.MULTILINE))
    assert wanted <= reasons


@pytest.mark.parametrize("package", PACKAGES)
def test_the_architecture_page_lists_every_sub_package(package: str) -> None:
    [block] = re.findall(rf"^{package}/ .*\n((?:  .*\n)+)", read(ARCHITECTURE), re.MULTILINE)
    listed = set(re.findall(r"^  (\w+)/ ", block, re.MULTILINE))
    assert listed == {path.parent.name for path in (PROJECT / package).glob("*/__init__.py")}


@pytest.mark.parametrize("page", [ARCHITECTURE, "docs/security.md"])
def test_every_module_that_a_page_for_developers_names_exists(page: str) -> None:
    named = re.findall(rf"`((?:{'|'.join((*PACKAGES, 'tests'))})/[\w./]*)`", read(page))
    assert named
    assert [path for path in named if not (PROJECT / path).exists()] == []


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(PROJECT))) for page in pages()])
def test_every_link_has_a_target(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", read(page), flags=re.DOTALL | re.MULTILINE)
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name} links to {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(read(target)), f"{page.name} links to {link}"
