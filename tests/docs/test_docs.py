"""The docs say what the code says; with UPDATE_DOCS=1, the tables that come from the code are renewed."""

import os
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from flows.cli.parser import build_parser
from schemas.errors.request import UsageError
from tests.docs.reference import ARCHITECTURE, PACKAGES, PRESETS, RULES, errors, options, sections
from tests.docs.sections import HOUSE, RENEW, Section

UPDATE = bool(os.environ.get("UPDATE_DOCS"))
SECTIONS = sections()
USER_PAGES = ("README.md", RULES, PRESETS, "data/README.md")
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)>\s]+)>?[^)]*\)")


def pages() -> list[Path]:
    """Every page of the project, those of tools and environments left out."""
    own = [path for path in HOUSE.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted([*HOUSE.glob("*.md"), *(page for folder in own for page in folder.rglob("*.md"))])


def read(page: str | Path) -> str:
    return (HOUSE / page).read_text(encoding="utf-8")


def sources() -> str:
    """All code of the four packages."""
    return "\n".join(path.read_text(encoding="utf-8") for name in PACKAGES for path in (HOUSE / name).rglob("*.py"))


def variables(text: str) -> set[str]:
    """The environment variables of ours that a text names."""
    return set(re.findall(r"\bCONTACTS_[A-Z_]*[A-Z]\b", text))


def examples(text: str) -> list[str]:
    """The `contacts …` lines of the shell blocks of a page, continued lines joined."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if re.match(r"(?:\.venv/bin/)?contacts ", line)]


def anchors(text: str) -> set[str]:
    """What links into a page may name: its headings, as forges spell them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("section", [pytest.param(section, id=section.name) for section in SECTIONS])
def test_a_table_says_what_the_code_says(section: Section) -> None:
    text = read(section.page)
    if UPDATE:
        (HOUSE / section.page).write_text(section.renewed(text), encoding="utf-8")
        text = read(section.page)
    assert section.found_in(text), f"{section.page} has no section {section.name!r} between markers"
    assert section.found_in(text) == section.table(text), f"{section.page} is behind the code; renew it: {RENEW}"


@pytest.mark.parametrize("section", [pytest.param(section, id=section.name) for section in SECTIONS if section.by_hand])
def test_what_the_code_cannot_say_is_written_by_hand(section: Section) -> None:
    kept = section.written_by_hand(read(section.page))
    assert [key for key, cells in kept.items() if not all(cells)] == [], f"fill in the last columns in {section.page}"


def test_a_renewed_table_keeps_what_was_written_by_hand() -> None:
    rows = "| code | note |\n| --- | --- |\n| `a` | of a \\| b |\n| `gone` | x |\n"
    old = f"<!-- from the code: t -->\n{rows}<!-- end -->\n"
    section = Section("t", RULES, ("code", "exit"), (("`b`", "2"), ("`a`", "1")), ("note",))
    assert section.renewed(old).splitlines()[1:-1] == [
        "| code | exit | note |",
        "| --- | --- | --- |",
        "| `b` | 2 |  |",
        "| `a` | 1 | of a \\| b |",
    ]


@pytest.mark.parametrize("page", USER_PAGES)
def test_every_example_is_a_command_that_the_parser_takes(page: str) -> None:
    found = examples(read(page))
    assert found
    for line in found:
        build_parser().parse_args(shlex.split(line, comments=True)[1:])


@pytest.mark.parametrize("page", USER_PAGES)
def test_every_option_that_a_page_for_users_names_is_there(page: str) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", re.sub("<!--.*?-->", "", read(page))))
    assert named <= {*options(), "--help", "--version"}


def test_every_variable_of_the_code_is_in_the_rules_and_no_page_invents_one() -> None:
    settings = {row[0].strip("`") for section in SECTIONS if section.name == "settings" for row in section.rows}
    known = settings | variables(sources())
    assert known <= variables(read(RULES))
    tests = {"CONTACTS_TEST_POSTGRES_URL", "CONTACTS_BENCH_POSTGRES_URL"}
    for page in pages():
        assert variables(read(page)) <= known | tests, page.name


def test_every_error_code_of_the_code_is_in_the_table() -> None:
    assert set(re.findall(r'code: ClassVar\[str\] = "([a-z-]+)"', sources())) <= errors().keys()


def test_only_usage_errors_end_with_another_exit_status_than_1() -> None:
    assert [name for name, kinds in errors().items() if issubclass(kinds[0], UsageError)] == ["usage"]


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    lines = [*project["project"]["dependencies"]]
    for group in project["dependency-groups"].values():
        lines += [line for line in group if isinstance(line, str)]
    wanted = {match[0] for line in lines if (match := re.match(r"[\w.-]+", line))}
    reasons = set(re.findall(r"^\| `([\w.-]+)` \| .*\w.* \|$", read(ARCHITECTURE), re.MULTILINE))
    assert wanted <= reasons


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(HOUSE))) for page in pages()])
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", read(page), flags=re.DOTALL | re.MULTILINE)
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name} links to {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(read(target)), f"{page.name} links to {link}"
