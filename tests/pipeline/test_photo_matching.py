"""Photos in a run: matched by caption and validator, one scenario each, in the plan's order, with their licence."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from approved_items import draw_picture
from run_pipeline import content, histories, make_config, open_home, run_once
from scripted_models import answer_request, score

from endpoints.errors import BadRequest
from endpoints.messages import ChatRequest, ImagePart
from endpoints.scripted import Answer, ScriptedChatEndpoint
from pipeline.config import PipelineConfig
from pipeline.run_events import read_events
from pipeline.turns import Turns
from storage.blobs import BlobStore
from storage.db import open_database
from storage.images import clean_image
from storage.photos import add_photo, list_photos, list_used, make_facts
from storage.records import Grounding
from storage.schema import migrate
from storage.stages import Stage

Script = Callable[[ChatRequest], Answer]


def config(**grounding: Any) -> PipelineConfig:
    return make_config(grounding={"pictures": "photos", "photo_candidates": 8} | grounding)


def fill_library(home: Path, count: int, *, described: bool = False, batch: str = "photos", first: int = 0) -> None:
    db = open_database(f"sqlite:///{home / 'curator.db'}")
    migrate(db=db)
    with db.write() as session:
        for number in range(first, first + count):
            facts = make_facts(
                licence="CC-BY-4.0",
                source=f"https://photos.example/{number}",
                author=f"Photographer {number}",
                description=f"A ladder near a window, seen from spot {number}." if described else "",
                file_name=f"{number}.png",
                batch=batch,
            )
            picture = clean_image(draw_picture(number))
            add_photo(session=session, blobs=BlobStore(home / "blobs"), picture=picture, facts=facts, actor="tests")
        session.commit()
    db.close()


def asks(request: ChatRequest) -> set[str]:
    return set(request.json_schema["properties"]) if request.json_schema else set()


def picture_in(request: ChatRequest) -> str:
    return next(part.sha256 for part in request.messages[1].parts if isinstance(part, ImagePart))


def run(home: Path, script: Script = answer_request, **options: Any) -> ScriptedChatEndpoint:
    model = ScriptedChatEndpoint(script, name="near", model="m")
    run_once(home, given={"near": model}, config=config(), **options)
    return model


def pictured(home: Path) -> dict[str, Grounding]:
    return {
        item_id: record
        for item_id, (_, records) in histories(home).items()
        for record in records
        if isinstance(record, Grounding)
    }


def test_each_photo_serves_one_scenario_with_its_licence_and_source(tmp_path: Path) -> None:
    fill_library(tmp_path, 5)
    model = run(tmp_path)
    found = pictured(tmp_path)
    assert len(found) == 5  # every photo passes; more scenarios than photos come this far
    assert {g.source for g in found.values()} == {"photo"} and {g.licence for g in found.values()} == {"CC-BY-4.0"}
    assert len({g.image.sha256 for g in found.values() if g.image}) == 5
    assert all(g.source_url.startswith("https://photos.example/") and g.alt for g in found.values())
    assert all(g.author == f"Photographer {g.source_url.rsplit('/', 1)[-1]}" for g in found.values())
    waiting = {item_id for item_id, (stage, _) in histories(tmp_path).items() if stage == Stage.FILTERED}
    events = [e for e in read_events(tmp_path / "runs/trial/events.jsonl") if e["kind"] == "no_photo"]
    assert waiting and {event["item"] for event in events} == waiting  # nothing is rejected for want of a photo
    assert sum(asks(request) == {"description"} for request in model.requests) == 5


def test_who_gets_which_photo_depends_on_the_plan_and_not_on_what_arrives_first(tmp_path: Path) -> None:
    homes = []
    for name in ("a", "b"):
        home = tmp_path / name
        home.mkdir()
        fill_library(home, 4, described=True)
        homes.append(home)

    class Late(ScriptedChatEndpoint):
        async def complete(self, request: ChatRequest) -> Any:
            if "image_quality" in asks(request):
                text = request.messages[1].text
                await asyncio.sleep((hashlib.sha256(text.encode()).digest()[0] % 8) / 50)
            return await super().complete(request)

    run(homes[0])
    run_once(homes[1], given={"near": Late(answer_request, name="near", model="m")}, config=config())
    assert content(homes[0]) == content(homes[1])
    again = run(homes[0])
    assert again.requests == [] and content(homes[0]) == content(homes[1])


def test_a_photo_below_a_threshold_is_not_taken_and_a_later_import_helps(tmp_path: Path) -> None:
    fill_library(tmp_path, 2, described=True)
    poor = {hashlib.sha256(clean_image(draw_picture(number)).data).hexdigest() for number in range(2)}

    def strict(request: ChatRequest) -> Answer:
        if "image_quality" in asks(request) and picture_in(request) in poor:
            return json.dumps({n: score(n, 3 if n == "evidence_sufficient" else 5) for n in asks(request)})
        return answer_request(request)

    run(tmp_path, strict)
    assert pictured(tmp_path) == {}
    fill_library(tmp_path, 3, described=True, first=2)
    run(tmp_path, strict)
    found = pictured(tmp_path)
    assert len(found) == 3 and not {g.image.sha256 for g in found.values() if g.image} & poor
    db = open_home(tmp_path)
    with db.read() as session:
        assert len(list_photos(session=session, free_for="another")) >= 2
        assert len(list_used(session=session, batch="trial")) == 3
    db.close()


def test_a_failed_call_decides_nothing_and_a_resume_tries_again(tmp_path: Path) -> None:
    fill_library(tmp_path, 3)

    def fail(request: ChatRequest) -> Answer:
        fails = asks(request) == {"description"} or "image_quality" in asks(request)
        return BadRequest("no such picture") if fails else answer_request(request)

    run(tmp_path, fail)
    assert pictured(tmp_path) == {}
    assert not [s for s, records in histories(tmp_path).values() if s == Stage.REJECTED and "photo" in str(records)]
    run(tmp_path)
    assert len(pictured(tmp_path)) == 3


def test_mixed_draws_where_no_photo_fits(tmp_path: Path) -> None:
    fill_library(tmp_path, 2, described=True)
    model = ScriptedChatEndpoint(answer_request, name="near", model="m")
    run_once(tmp_path, given={"near": model}, config=config(pictures="mixed", licence="CC0-1.0"))
    found = list(pictured(tmp_path).values())
    assert sum(g.source == "photo" for g in found) == 2 and sum(g.source == "synthetic" for g in found) > 2
    assert {(g.source, g.licence) for g in found} == {("photo", "CC-BY-4.0"), ("synthetic", "CC0-1.0")}


def test_only_photos_of_the_named_batch_are_used(tmp_path: Path) -> None:
    fill_library(tmp_path, 2, described=True, batch="spring")
    fill_library(tmp_path, 2, described=True, batch="autumn", first=2)
    model = ScriptedChatEndpoint(answer_request, name="near", model="m")
    run_once(tmp_path, given={"near": model}, config=config(photo_batch="autumn"))
    urls = {grounding.source_url for grounding in pictured(tmp_path).values()}
    assert urls == {"https://photos.example/2", "https://photos.example/3"}


def test_turns_come_in_order_however_they_leave() -> None:
    async def check() -> list[int]:
        turns, seen = Turns(), []
        numbers = [turns.take() for _ in range(4)]

        async def one(number: int) -> None:
            await turns.wait(number)
            seen.append(number)
            turns.leave(number)

        turns.leave(2)  # left before its turn came: nobody waits for it
        await asyncio.wait_for(asyncio.gather(*(one(number) for number in reversed(numbers) if number != 2)), 5)
        return seen

    assert asyncio.run(check()) == [0, 1, 3]
