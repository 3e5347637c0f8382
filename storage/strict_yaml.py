"""YAML that people wrote, read strictly: plain values, every key once."""

from pathlib import Path
from typing import Any

import yaml

UNREADABLE = (ValueError, KeyError, AttributeError, TypeError, OverflowError, RecursionError)
"""What PyYAML raises, besides its own errors, for values such as `2024-13-45`, `!!bool perhaps` and 10,000 brackets."""


class YamlRefused(ValueError):
    """A text that is not taken as YAML. The message says what and where, and never quotes a line: it may hold a key."""


def read_yaml(text: str, *, aliases: bool = True) -> Any:
    """Return the value that `text` holds.

    Args:
        text: one document.
        aliases: whether `*name` may repeat what `&name` marked. A few lines of them can stand for a value of any size,
            so a text from a stranger should have none.

    Raises:
        YamlRefused: it is not YAML, names a Python object, gives a key twice, or holds a value that cannot be read.
    """
    try:
        return yaml.load(text, Loader=_StrictLoader if aliases else _PlainLoader)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise YamlRefused(f"{getattr(exc, 'problem', None) or type(exc).__name__}{where}") from None
    except UNREADABLE as exc:
        raise YamlRefused(f"a value in it cannot be read ({type(exc).__name__}); quote texts and dates") from None


def read_own_yaml(path: Path) -> Any:
    """Return the value in a YAML file that belongs to a package, by libyaml where PyYAML has it: ten times as fast.

    Not for a stranger's text: a key given twice passes, and libyaml has no bound on nesting.

    Raises:
        OSError: it cannot be read.
        yaml.YAMLError: it is not YAML.
    """
    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that is given twice, where YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                continue
            if key_node.value in seen:
                problem = f"{key_node.value!r} is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


class _PlainLoader(_StrictLoader):
    """Refuses aliases too."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "it holds an alias (`*name`): write its value out", mark)
        return super().compose_node(parent, index)
