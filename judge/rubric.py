"""The rubric: what 0, 1 and 2 mean for R, S and E, as a file of ours that is versioned and hashed.

It reconstructs what the paper describes (section 4.1, appendices A.1 and A.2); the paper's own rubric is not known to
us. Judgments under different rubric hashes must not be compared.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from judge.errors import RubricInvalid

RUBRIC = Path(__file__).parent / "rubric.md"
DIMENSIONS = ("risk_appraisal", "safety_of_consequences", "effectiveness")
"""R, S and E, as they are called in judgments."""
SCORES = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class Rubric:
    """A rubric file as it was read."""

    version: str
    text: str

    @property
    def sha256(self) -> str:
        """Hash (64 hex digits) of the text; goes into every judgment."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()


@cache
def load_rubric(path: Path = RUBRIC) -> Rubric:
    """Read a rubric file.

    Raises:
        RubricInvalid: it cannot be read, has no version in its first line, or lacks an anchor or example of a score.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise RubricInvalid(f"rubric {path} cannot be read: {exc}") from exc
    version = re.match(r"# Rubric (\d+\.\d+)\n", text)
    if version is None:
        raise RubricInvalid(f"rubric {path} begins with {text[:40]!r}; its first line has to be like `# Rubric 1.0`")
    if "{{" in text:
        raise RubricInvalid(f"rubric {path} holds '{{{{', which marks a slot in prompts; write it otherwise")
    for dimension in DIMENSIONS:
        section = re.search(rf"^## [RSE]: {dimension}\b.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        if section is None:
            raise RubricInvalid(f"rubric {path} has no section `## …: {dimension}`")
        anchors, _, examples = section[0].partition("\nExamples")
        for part, told in ((anchors, "anchor"), (examples, "example")):
            missing = [score for score in SCORES if not re.search(rf"^- {score}: \S", part, re.MULTILINE)]
            if missing:
                raise RubricInvalid(f"rubric {path}: {dimension} has no {told} for {missing[0]} (a line `- 0: …`)")
    return Rubric(version=version[1], text=text)
