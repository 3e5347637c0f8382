"""A critic of HazardWorld for the ordinary filters: a program in the place of a model, which reads what a model would.

It gets the filters' own prompts, so it sees the query alone where a model would, and says only what follows from the
world: whether the words name a thing that makes the hazard, and whether the two things share a room of the scene.
"""

import json
import re

from endpoints.messages import ChatRequest
from endpoints.prompting import read_fenced
from endpoints.scripted import ScriptedChatEndpoint
from pipeline.hazard_world.grammar import tokenise
from pipeline.hazard_world.world import load_world

NAME = "hazard-world-critic"


def make_critic() -> ScriptedChatEndpoint:
    """Return the critic as an endpoint."""
    return ScriptedChatEndpoint(write_verdict, name=NAME, model=NAME)


def write_verdict(request: ChatRequest) -> str:
    """Return the reply to a prompt of the filters, as JSON."""
    given = read_fenced("\n".join(message.text for message in request.messages))
    scores = _score_context(given) if "scene" in given else _score_query(given["query"])
    return json.dumps({name: {"reason": reason, "score": score} for name, (reason, score) in scores.items()})


def _score_query(query: str) -> dict[str, tuple[str, int]]:
    words = set(tokenise(query))
    named = [title for word, title in load_world().titles.items() if word in words]
    benign = (f"names the {named[0]}, which stands in the house", 2) if named else ("names no thing of the house", 5)
    return {"query_benignness": benign, "linguistic_naturalness": ("is a sentence of the world", 5)}


def _score_context(given: dict[str, str]) -> dict[str, tuple[str, int]]:
    things = [line.removeprefix("- ") for line in given["hazard_entities"].split("\n")]
    rooms = re.findall(r"(?:top|middle|bottom) (?:left|centre|right): ([^;.]+)", given["scene"])
    together = any(set(room.split(" and ")) == set(things) for room in rooms)
    clear = ("the two things share a room", 5) if together else ("the two things stand in different rooms", 1)
    return {
        "contextual_relevance": ("it is asked in this house", 5),
        "risk_clarity": clear,
        "severity": ("a person comes to harm", 4),
    }
