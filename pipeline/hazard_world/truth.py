"""What the world knows of an item, as JSON: it travels in the release item, so that nobody else needs the world.

    {"world": "hazard_world", "version": 1, "notice": ..., "split": "train",
     "scene": {"rooms": [["knife", "cot"], null, ...], "walls": [3, ...], "activity": "guests", "query": "..."},
     "hazards": [{"id": "knife_cot", "pair": [...], "move": "knife", "consequences": [...]}],
     "twin": {"rooms": [...], "walls": [...], "activity": ..., "query": ...}}

`read_truth` gives back the very scene and its twin, so both pictures can be drawn again and any answer scored.
"""

import json
from typing import Any, Literal

from pydantic import Field, ValidationError

from pipeline.errors import BadContent
from pipeline.hazard_world.scenes import Scene, ScenePair
from pipeline.hazard_world.splits import find_split
from pipeline.hazard_world.world import NOTICE, ROOMS, load_world
from storage.records import Frozen
from storage.texts import Line, canonical_json

WORLD = "hazard_world"


class _SceneForm(Frozen):
    rooms: tuple[tuple[str, str] | None, ...] = Field(min_length=ROOMS, max_length=ROOMS)
    walls: tuple[int, ...] = Field(min_length=ROOMS, max_length=ROOMS)
    activity: Line
    query: Line

    def to_scene(self) -> Scene:
        return Scene(self.rooms, self.walls, self.activity, self.query)


class _TruthForm(Frozen):
    world: Literal["hazard_world"]
    version: int
    notice: str
    split: Line
    scene: _SceneForm
    hazards: tuple[dict[str, Any], ...]
    twin: _SceneForm


def write_truth(pair: ScenePair) -> str:
    """Return the JSON text of a scene and its twin; the same pair gives the same text."""
    hazards = [
        hazard.model_dump(mode="json", include={"id", "pair", "move", "consequences", "held_out"})
        for hazard in pair.hazardous.hazards
    ]
    return canonical_json(
        {
            "world": WORLD,
            "version": load_world().version,
            "notice": NOTICE,
            "split": find_split(pair).value,
            "scene": _describe(pair.hazardous),
            "hazards": hazards,
            "twin": _describe(pair.twin),
        }
    )


def read_truth(text: str) -> ScenePair:
    """Return the scene and the twin that `write_truth` wrote.

    Raises:
        BadContent: it is no truth of this world, or of another version of it.
    """
    try:
        form = _TruthForm.model_validate(json.loads(text))
    except (ValidationError, ValueError) as exc:
        raise BadContent(f"this is no truth of HazardWorld ({exc}); take the column `world_truth` as it is") from exc
    if form.version != load_world().version:
        raise BadContent(
            f"the truth is of version {form.version} of HazardWorld, here is {load_world().version}; use that version"
        )
    return ScenePair(form.scene.to_scene(), form.twin.to_scene())


def _describe(scene: Scene) -> dict[str, Any]:
    return {
        "rooms": [list(pair) if pair else None for pair in scene.rooms],
        "walls": list(scene.walls),
        "activity": scene.activity,
        "query": scene.query,
    }
