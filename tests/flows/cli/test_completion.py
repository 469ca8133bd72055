"""Completion in the real shells: commands, options, fields, presets and segments."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.cli.main import main

COMMAND = Path(sys.executable).with_name("contacts")

CASES = [
    pytest.param("contacts comp", {"completion"}, id="command"),
    pytest.param("contacts presets sho", {"show"}, id="action"),
    pytest.param("contacts import x.csv --pre", {"--preset"}, id="option"),
    pytest.param("contacts import x.csv --merge fill", {"fill-empty"}, id="choice"),
    pytest.param("contacts import x.csv --preset shopify", {"shopify", "shopify-older"}, id="preset"),
    pytest.param("contacts presets show mailc", {"mailchimp"}, id="preset as an argument"),
    pytest.param("contacts import x.csv --require mob", {"mobile_phone"}, id="field"),
    pytest.param("contacts import x.csv --map Ciudad=ci", {"city"}, id="field of a column"),
    pytest.param("contacts import x.csv --merge-field country=over", {"overwrite"}, id="policy of a field"),
    pytest.param("contacts import x.csv --segment vi", {"vip"}, id="segment"),
    pytest.param("contacts list -s two", {"two words"}, id="segment of two words"),
    pytest.param("contacts import contacts-of", {"contacts-of-today.csv"}, id="file"),
]

IN_BASH = """
source /dev/stdin <<< "$($1 completion bash)"
COMP_LINE=$2 COMP_POINT=${#2} COMP_TYPE=9
function=$(complete -p contacts | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
$function contacts
printf '%s\\n' "${COMPREPLY[@]}"
"""
IN_FISH = "$argv[1] completion fish | source; complete -C $argv[2]"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file, and with a warehouse that has two segments."""
    folder = tmp_path_factory.mktemp("shell")
    (folder / "contacts-of-today.csv").touch()
    for name in ("vip", "two words"):
        assert main(["segments", "create", name, "--warehouse", f"sqlite:///{folder}/contacts.db"]) == 0
    return folder


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CONTACTS_", "PREFECT_"))}
    return kept | {"CONTACTS_HOME": str(home), "HOME": str(home), "TERM": "dumb", "LC_ALL": "C.UTF-8"}


def installed(shell: str) -> str:
    return shutil.which(shell) or pytest.skip(f"{shell} is not installed")


def names(out: str) -> set[str]:
    """The completions, without the start of the word, the space after it, and descriptions."""
    lines = (line.partition("\t")[0].replace("\\ ", " ").strip() for line in out.splitlines())
    return {line.rpartition("=")[2] for line in lines if line}


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_bash_completes(line: str, expected: set[str], home: Path) -> None:
    ran = subprocess.run(
        [installed("bash"), "-c", IN_BASH, "bash", COMMAND, line],
        cwd=home, env=environment(home), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert names(ran.stdout) == expected


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_fish_completes(line: str, expected: set[str], home: Path) -> None:
    ran = subprocess.run(
        [installed("fish"), "--no-config", "-c", IN_FISH, COMMAND, line],
        cwd=home, env=environment(home), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert names(ran.stdout) == expected


@pytest.mark.parametrize(("line", "expected"), [case for case in CASES if len(case.values[1]) == 1])  # type: ignore[arg-type]
def test_zsh_completes(line: str, expected: set[str], home: Path) -> None:
    """The shell completes in its line editor only, so the completed line is turned into an argument of `print`."""
    terminal, inside = pty.openpty()
    shell = subprocess.Popen(
        [installed("zsh"), "-f", "-i"],
        cwd=home, env=environment(home), stdin=inside, stdout=inside, stderr=inside, start_new_session=True,
    )  # fmt: skip
    os.close(inside)
    try:
        setup = f"autoload -Uz compinit; compinit -D -u; source =({COMMAND} completion zsh); print 'set''up'\n"
        os.write(terminal, setup.encode())
        read_until(terminal, "setup")
        os.write(terminal, line.encode() + b"\t\x01print -r -- '<\x05>'\n")
        shown = read_until(terminal, ">\r\n").replace("\\ ", " ")
    finally:
        os.close(terminal)
        shell.kill()
        shell.wait()
    start = line.removesuffix(line.split()[-1]) + line.split()[-1].rpartition("=")[0]
    (completed,) = expected
    assert f"<{start}{'=' if '=' in line else ''}{completed}" in shown


def read_until(terminal: int, text: str) -> str:
    """What the shell prints up to this text."""
    out, deadline = "", time.monotonic() + 60
    while text not in out and time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            out += os.read(terminal, 65536).decode(errors="replace")
    return out


def test_the_script_of_an_unknown_shell_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "use one of: bash, zsh, fish" in capsys.readouterr().err
