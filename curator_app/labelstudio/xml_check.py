"""Labeling configs checked without a server, and compared with what a server has."""

import difflib
import xml.etree.ElementTree as ElementTree
from collections import Counter

from curator_app.errors import LabelStudioRefused

CONTROLS = frozenset({"Choices", "Labels", "RectangleLabels", "TextArea"})
OBJECTS = frozenset({"Image", "Text"})
_OTHERS = frozenset({"View", "Header", "Choice", "Label", "Collapse", "Panel"})
_KNOWN = CONTROLS | OBJECTS | _OTHERS


def find_faults(config: str) -> list[str]:
    """Return what is wrong with a config of ours, a sentence each.

    Label Studio itself accepts unknown tags, configs without controls, and aliases that are given twice.
    """
    try:
        root = ElementTree.fromstring(config)
    except ElementTree.ParseError as exc:
        return [f"the config is no XML: {exc}"]
    tags = list(root.iter())
    faults = [f"tag {tag.tag} is not one of {', '.join(sorted(_KNOWN))}" for tag in tags if tag.tag not in _KNOWN]
    named = [tag for tag in tags if tag.tag in CONTROLS | OBJECTS]
    counts = Counter(tag.get("name", "") for tag in named)
    faults += [f"name {name!r} is given to {count} tags" for name, count in counts.items() if count > 1 or not name]
    objects = {tag.get("name") for tag in tags if tag.tag in OBJECTS}
    controls = {tag.get("name"): tag for tag in tags if tag.tag in CONTROLS}
    if not controls:
        faults.append("the config asks nothing: it has no control")
    for tag in named:
        faults += _faults_of(tag, objects)
    for tag in tags:
        wanted = tag.get("whenTagName")
        if wanted is not None and wanted not in controls:
            faults.append(f"a view waits for {wanted!r}, and there is no such control")
    keys = Counter(key for tag in tags if (key := tag.get("hotkey")))
    return faults + [f"hotkey {key!r} is given {count} times" for key, count in keys.items() if count > 1]


def _faults_of(tag: ElementTree.Element, objects: set[str | None]) -> list[str]:
    name = tag.get("name")
    if tag.tag in OBJECTS:
        return [] if (tag.get("value") or "").startswith("$") else [f"{name!r} takes no value from the task"]
    faults = [] if tag.get("toName") in objects else [f"{name!r} is about {tag.get('toName')!r}, which is not there"]
    aliases = Counter(choice.get("alias") or "" for choice in tag)
    faults += [f"{name!r} has a choice without an alias" for alias in aliases if not alias]
    faults += [f"{name!r} has alias {alias!r} {count} times" for alias, count in aliases.items() if count > 1]
    if tag.get("required") == "true" and not tag.get("requiredMessage"):
        faults.append(f"{name!r} is required and does not say why")
    return faults


def check_config(config: str) -> None:
    """Refuse a config that has a fault.

    Raises:
        LabelStudioRefused: it has one; all are named.
    """
    faults = find_faults(config)
    if faults:
        raise LabelStudioRefused(f"the labeling config cannot be used: {'; '.join(faults)}")


def flatten(config: str) -> list[str]:
    """Return a config as lines, one for each tag, that do not depend on spaces or on the order of attributes.

    Raises:
        LabelStudioRefused: it is no XML.
    """
    try:
        root = ElementTree.fromstring(config)
    except ElementTree.ParseError as exc:
        raise LabelStudioRefused(f"the project's labeling config is no XML ({exc}); put ours back") from exc
    lines: list[str] = []

    def walk(tag: ElementTree.Element, depth: int) -> None:
        shown = "".join(f' {key}="{value}"' for key, value in sorted(tag.attrib.items()))
        lines.append(f"{'  ' * depth}<{tag.tag}{shown}>")
        for inner in tag:
            walk(inner, depth + 1)

    walk(root, 0)
    return lines


def describe_drift(*, pushed: str, found: str) -> str:
    """Return the difference between the config that was pushed and the server's, as a diff; empty: none."""
    before, after = flatten(pushed), flatten(found)
    return "\n".join(difflib.unified_diff(before, after, "as pushed", "on the server", lineterm="", n=0))
