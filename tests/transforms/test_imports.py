"""The tests of transforms depend on transforms and schemas only, as the package does."""

import ast
from pathlib import Path


def test_tests_of_transforms_import_nothing_from_flows_or_the_warehouse() -> None:
    for path in Path(__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {"flows", "warehouse"} & {name.split(".")[0] for name in names}, f"{path.name}:{node}"
