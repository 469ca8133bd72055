"""Imports all modules once, then forks a process for each command, which saves seconds of start-up.

Each line of standard input is an order; the answer is the number of the process. Its output goes to files.
"""

import json
import os
import signal
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

LOADED = (
    "flows.cli.commands.files",
    "flows.cli.commands.changes",
    "flows.cli.commands.plan",
    "flows.cli.commands.removal",
    "flows.import_contacts",
    "flows.cli.commands.import_list",
    "flows.cli.commands.inbox",
    "flows.import_inbox",
    "flows.cli.servers.local_server",
    "warehouse.merge.staging",
)


def main() -> None:
    for module in LOADED:
        import_module(module)
    children: dict[int, str] = {}

    def note_ends(*_: object) -> None:
        for pid, output in list(children.items()):
            with suppress(ChildProcessError):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    del children[pid]
                    _note(output, os.waitstatus_to_exitcode(status))

    signal.signal(signal.SIGCHLD, note_ends)
    for line in sys.stdin:
        order = json.loads(line)
        assert threading.active_count() == 1, "a fork takes no threads along"
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            _run(order)
        children[pid] = order["said"]
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


def _note(output: str, status: int) -> None:
    path = Path(output).with_suffix(".status")
    path.with_suffix(".tmp").write_text(str(status))
    path.with_suffix(".tmp").rename(path)


def _run(order: dict[str, Any]) -> None:
    """The command as `contacts` runs it, up to the exit of the interpreter."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, order["said"]), (2, str(Path(order["said"]).with_suffix(".err")))):
        os.dup2(os.open(name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC), number)
    os.environ.update(order["environment"])
    from flows.cli.main import main as contacts
    from flows.config.environment import set_prefect_environment

    set_prefect_environment()
    if order["trap"]:
        from tests.faults.traps import set_trap

        set_trap(*order["trap"])
    sys.exit(contacts(order["arguments"]))


if __name__ == "__main__":
    main()
