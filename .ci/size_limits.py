"""Fails when a file or a function is longer than the house allows (500 and 60 lines; 100 for a UI builder)."""

import ast
import sys
from pathlib import Path

PACKAGES = ("curator_app", "pipeline", "judge", "caspo", "storage", "endpoints")
FILE_LIMIT, FUNCTION_LIMIT, BUILDER_LIMIT = 500, 60, 100


def find_offences(root: Path) -> list[str]:
    """Return one line for each file or function that is too long."""
    found = []
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            text = path.read_text(encoding="utf-8")
            lines = text.count("\n")
            name = path.relative_to(root)
            if lines > FILE_LIMIT:
                found.append(f"{name}: {lines} lines, at most {FILE_LIMIT}")
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    length = (node.end_lineno or node.lineno) - node.lineno + 1
                    builder = node.name.startswith("build_") and "screens" in path.parts
                    limit = BUILDER_LIMIT if builder else FUNCTION_LIMIT
                    if length > limit:
                        found.append(f"{name}:{node.lineno}: {node.name} has {length} lines, at most {limit}")
    return found


if __name__ == "__main__":
    offences = find_offences(Path(__file__).parents[1])
    sys.stdout.writelines(f"{offence}\n" for offence in offences)
    sys.exit(bool(offences))
