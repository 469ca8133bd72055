"""Reads YAML files within limits. Aliases can make a small file expand to gigabytes."""

from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 1 << 20
MAX_NODES = 100_000  # an alias counts as all that it stands for


def read_yaml_text(path: Path) -> str:
    """The text of a file; `YAMLError` if it is too large."""
    with path.open("rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise yaml.YAMLError(f"it is larger than {MAX_BYTES:,} bytes; make it smaller")
    return content.decode("utf-8")


def load_yaml(path: Path, loader_class: type[yaml.SafeLoader] | type[yaml.BaseLoader]) -> Any:
    """The content of a YAML file, constructed after its size is known."""
    loader = loader_class(read_yaml_text(path))
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        if _count_nodes(root, {}) > MAX_NODES:
            raise yaml.YAMLError(f"it expands to more than {MAX_NODES:,} entries; use fewer aliases")
        return loader.construct_document(root)
    finally:
        loader.dispose()


def explain_yaml_error(error: Exception) -> str:
    """What is wrong with a file that could not be loaded, and where."""
    if isinstance(error, yaml.MarkedYAMLError):
        where = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        what = error.problem if isinstance(error, yaml.constructor.ConstructorError) else "it is not YAML"
        return f"{what}{where}"
    return str(error) if type(error) is yaml.YAMLError else "it is not YAML"


def _count_nodes(node: yaml.Node, counts: dict[yaml.Node, int]) -> int:
    """How many nodes a node expands to."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if node not in counts:
        counts[node] = MAX_NODES + 1  # what an alias to a node around it stands for: it has no end
        children = node.value if isinstance(node, yaml.SequenceNode) else [each for pair in node.value for each in pair]
        counts[node] = 1 + sum(_count_nodes(child, counts) for child in children)
    return counts[node]
