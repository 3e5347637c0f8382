"""The prompts of the pipeline: files in `prompts/`, read once."""

from functools import cache
from pathlib import Path

from endpoints.prompting import Prompt, read_prompt

PROMPTS = Path(__file__).parent / "prompts"


@cache
def load_prompt(name: str, folder: Path = PROMPTS) -> Prompt:
    """Read `folder/NAME.md`.

    Raises:
        PromptInvalid: there is no such file, or it does not have the two parts.
    """
    return read_prompt(folder / f"{name}.md")
