"""No picture twice: drawn ones are compared with those of the workspace, the run, releases and benchmarks."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from approved_items import add_approved
from release_folders import freeze
from run_pipeline import content, histories, make_config, open_home, run_once
from scripted_models import answer_request, make_scenario_with, score
from sqlmodel import update

from endpoints.images import ScriptedImages, draw_shapes
from endpoints.messages import ChatRequest, ImagePart
from endpoints.scripted import Answer, ScriptedChatEndpoint
from pipeline.config import PipelineConfig
from pipeline.grounding import Candidate, refer_to
from pipeline.picture_gate import KnownPicture, PictureGate
from pipeline.run_events import read_events
from pipeline.validation import DUPLICATE_PICTURE, PictureCheck
from storage.blobs import BlobStore
from storage.db import Database, open_database
from storage.images import clean_image
from storage.items import get_grounding, list_items
from storage.records import FilterVerdict, Grounding, Provenance, Record
from storage.release_files import read_release
from storage.schema import migrate
from storage.stages import Stage
from storage.tables import ItemRow
from storage.texts import utc_now

SAME = draw_shapes("always the same", 1, side_px=64)
SMALL = make_config(quotas={"dependants": 9})
OFTEN = make_config(grounding={"pictures": "synthetic", "licence": "CC0-1.0", "duplicate_bits": 26})
"""So loose that pictures of shapes often count as one: their hashes differ in 14 to 48 bits."""


def run(
    home: Path,
    draw: Callable[[str, int], bytes | None] = lambda prompt, seed: None,
    *,
    script: Callable[[ChatRequest], Answer] = answer_request,
    config: PipelineConfig | None = None,
    **options: Any,
) -> None:
    def draw_small(prompt: str, seed: int) -> bytes:
        return draw(prompt, seed) or draw_shapes(prompt, seed, side_px=64)

    given = {"near": ScriptedChatEndpoint(script, name="near", model="m"), "pictures": ScriptedImages(draw_small)}
    run_once(home, given=given, config=config or SMALL, **options)


def always(prompt: str, seed: int) -> bytes:
    return SAME


def verdict_of(records: list[Record]) -> FilterVerdict:
    (found,) = (r for r in records if isinstance(r, FilterVerdict) and r.filter_name == DUPLICATE_PICTURE)
    return found


def split(home: Path) -> tuple[dict[str, str], dict[str, FilterVerdict]]:
    """Return the pictures (item -> hash) and the verdicts of the items that were dropped for theirs."""
    found = histories(home)
    images = {i: r.image.sha256 for i, (_, all_) in found.items() for r in all_ if isinstance(r, Grounding) and r.image}
    failed = {
        i: r for i, (_, all_) in found.items() for r in all_
        if isinstance(r, FilterVerdict) and r.filter_name == DUPLICATE_PICTURE and not r.passed
    }  # fmt: skip
    return images, failed


def test_of_scenarios_with_one_picture_the_first_of_the_plan_keeps_it_and_the_others_name_it(tmp_path: Path) -> None:
    run(tmp_path, always)
    images, failed = split(tmp_path)
    ((kept, sha256),) = images.items()
    assert len(failed) >= 2
    for item_id, verdict in failed.items():
        stage, records = histories(tmp_path)[item_id]
        assert stage == Stage.REJECTED and verdict.score == 0 and verdict.threshold == 8
        assert f"nearly the picture {sha256} of item {kept}: 0 of 64 bits differ" in verdict.reason
        assert all(r.passed for r in records if isinstance(r, FilterVerdict) and r.filter_name != DUPLICATE_PICTURE)
    assert verdict_of(histories(tmp_path)[kept][1]).passed
    events = {e["item"]: e["kind"] for e in read_events(tmp_path / "runs/trial/events.jsonl") if e["kind"]}
    assert all(events[item_id] == DUPLICATE_PICTURE for item_id in failed)
    report = json.loads((tmp_path / "runs/trial/report.json").read_text())
    assert ["pictured", DUPLICATE_PICTURE, len(failed)] in report["reasons"]


def test_what_is_chosen_depends_on_the_plan_and_not_on_what_arrives_first(tmp_path: Path) -> None:
    class Late(ScriptedChatEndpoint):
        """Judges the first four pictures when eight more have been judged."""

        shown, enough = 0, asyncio.Event()

        async def complete(self, request: ChatRequest) -> Any:
            if "image_quality" in (request.json_schema or {})["properties"]:
                self.shown += 1
                if self.shown <= 4:
                    await self.enough.wait()
                elif self.shown == 12:
                    self.enough.set()
            return await super().complete(request)

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    run(tmp_path / "a", config=OFTEN)
    late = {"near": Late(answer_request, name="near", model="m"), "pictures": ScriptedImages(side_px=64)}
    run_once(tmp_path / "b", given=late, config=OFTEN)
    images, failed = split(tmp_path / "a")
    seconds = [verdict_of(histories(tmp_path / "a")[item_id][1]).reason.startswith("picture 2") for item_id in images]
    assert failed and any(seconds), "nothing was near: the test shows nothing"
    assert content(tmp_path / "a") == content(tmp_path / "b")


@pytest.mark.thorough
@pytest.mark.parametrize("after", [1, 3, 5])
def test_a_run_that_was_stopped_ends_like_an_unbroken_one(tmp_path: Path, after: int) -> None:
    runners: list[Any] = []

    def stop(state: Any) -> None:
        if state.counts["grounding", "passed"] >= after:
            runners[0].stop("asked to")

    for name in ("broken", "whole"):
        (tmp_path / name).mkdir()
    run(tmp_path / "broken", config=OFTEN, prepare=runners.append, observer=stop)
    assert content(tmp_path / "broken")
    run(tmp_path / "broken", config=OFTEN)
    run(tmp_path / "whole", config=OFTEN)
    assert content(tmp_path / "broken") == content(tmp_path / "whole")


@pytest.mark.parametrize("other_fails", [False, True])
def test_a_picture_that_another_scenario_has_loses_to_a_poorer_one_that_passes(
    tmp_path: Path, other_fails: bool
) -> None:
    firsts: set[int] = set()
    drawn: list[int] = []

    def draw(prompt: str, seed: int) -> bytes | None:
        # Of each two that are asked for, the one that comes first is always the same picture.
        firsts.update([] if len(drawn) % 2 else [seed])
        drawn.append(seed)
        return SAME if seed in firsts else None

    def judge(request: ChatRequest) -> Answer:
        names = (request.json_schema or {})["properties"]
        if "image_quality" not in names:
            return answer_request(request)
        shown = next(part for part in request.messages[1].parts if isinstance(part, ImagePart))
        if shown.sha256 == hashlib.sha256(clean_image(SAME).data).hexdigest():
            return json.dumps({name: score(name, 4) for name in names})
        # Fewer points and it passes, or more points and it fails.
        low = {"image_quality": 2} if other_fails else {"image_quality": 3}
        return json.dumps({name: score(name, low.get(name, 5 if other_fails else 4)) for name in names})

    run(tmp_path, draw, script=judge)
    images, failed = split(tmp_path)
    if other_fails:
        assert len(images) == 1 and len(failed) >= 2 and all(v.reason[:9] == "picture 1" for v in failed.values())
    else:
        assert failed == {} and len(images) == len(set(images.values())) >= 3
        chosen = [verdict_of(histories(tmp_path)[item_id][1]).reason[:9] for item_id in images]
        assert sorted(chosen) == ["picture 1", *["picture 2"] * (len(images) - 1)]


def test_another_runs_picture_counts_unless_its_scenario_was_rejected(tmp_path: Path) -> None:
    run(tmp_path, always)
    (kept,) = split(tmp_path)[0]
    run(tmp_path, always, config=make_config(batch="second", seed=4, quotas={"dependants": 4}))
    assert set(split(tmp_path)[0]) == {kept}
    db = open_home(tmp_path)
    with db.write() as session:
        session.execute(update(ItemRow).where(ItemRow.id == kept).values(stage=Stage.REJECTED.value))
        session.commit()
    db.close()
    run(tmp_path, always, config=make_config(batch="third", seed=5, quotas={"dependants": 4}))
    assert len(split(tmp_path)[0]) == 2


# --- the gate alone


def open_empty(place: Path) -> Database:
    db = open_database(f"sqlite:///{place / 'c.db'}")
    migrate(db=db)
    return db


def judged(data: bytes) -> Candidate:
    made_by = Provenance(actor="tests", tool="tests")
    verdict = FilterVerdict(filter_name="image_quality", passed=True, score=5, threshold=3, provenance=made_by)
    return Candidate(1, clean_image(data), PictureCheck((verdict,)), about="picture 1 of 1: ")


def ask(gate: PictureGate, data: bytes, *, photo: bool = False) -> FilterVerdict:
    async def compare() -> list[Candidate]:
        item_id = "0123456789abcdef"
        scenario, turn = make_scenario_with("fine"), gate.take(item_id)
        try:
            if photo:
                return await gate.compare_photos(scenario, [judged(data)], item_id=item_id)
            return await gate.compare(scenario, [judged(data)], item_id=item_id)
        finally:
            gate.turns.leave(turn)

    (candidate,) = asyncio.run(compare())
    assert candidate.check is not None
    return candidate.check.verdicts[-1]


@pytest.mark.parametrize("photo", [False, True])
@pytest.mark.parametrize("frozen_here", [False, True])
def test_a_releases_picture_is_never_taken_also_when_it_was_frozen_elsewhere(
    tmp_path: Path, frozen_here: bool, photo: bool
) -> None:
    (tmp_path / "there").mkdir()
    there, blobs = open_empty(tmp_path / "there"), BlobStore(tmp_path / "blobs")
    (item_id,) = add_approved(there, blobs, 1)
    freeze(there, blobs, tmp_path / "v1.0")
    release = read_release(tmp_path / "v1.0")
    (row,) = release.items
    assert row.image is not None
    db = there if frozen_here else open_empty(tmp_path)
    gate = PictureGate(db=db, batch="trial", max_bits=8, now=utc_now(), releases=[release])
    verdict = ask(gate, row.image, photo=photo)
    assert not verdict.passed and f"{row.image_sha256} of release v1.0, item {item_id}: 0 of" in verdict.reason
    assert ask(gate, SAME, photo=photo).passed
    there.close()
    db.close()


@pytest.mark.parametrize("photo", [False, True])
def test_a_benchmarks_picture_is_never_taken(tmp_path: Path, photo: bool) -> None:
    db = open_empty(tmp_path)
    phash = clean_image(SAME).phash
    near = f"{int(phash, 16) ^ 0b1110111:016x}"
    known = KnownPicture("benchmark siuo, row gen/7", "ab" * 32, near, barred=True)
    for bits, passed in ((5, True), (6, False)):
        gate = PictureGate(db=db, batch="trial", max_bits=bits, now=utc_now(), benchmarks=[known])
        verdict = ask(gate, SAME, photo=photo)
        assert verdict.passed is passed
    assert verdict.reason == (
        f"picture 1 of 1: nearly the picture {'ab' * 32} of benchmark siuo, row gen/7: 6 of 64 bits differ"
    )
    db.close()


def test_a_photo_is_not_compared_with_scenarios_that_no_release_holds(tmp_path: Path) -> None:
    db, blobs = open_empty(tmp_path), BlobStore(tmp_path / "blobs")
    add_approved(db, blobs, 1)
    with db.read() as session:
        grounding = get_grounding(session=session, item=list_items(session=session)[0])
    assert grounding is not None and grounding.image is not None
    data = blobs.read(grounding.image)
    gate = PictureGate(db=db, batch="trial", max_bits=8, now=utc_now())
    assert ask(gate, data, photo=True).passed and not ask(gate, data).passed
    db.close()


def test_a_stored_picture_whose_turn_comes_later_counts_last_and_a_later_photo_not_at_all(tmp_path: Path) -> None:
    db, image = open_empty(tmp_path), refer_to(clean_image(SAME))
    farther = KnownPicture("benchmark siuo, row gen/7", "ab" * 32, f"{int(image.phash, 16) ^ 0b111:016x}", barred=True)

    def reason(*, source: Any, benchmarks: list[KnownPicture]) -> str:
        gate = PictureGate(db=db, batch="trial", max_bits=8, now=utc_now(), benchmarks=benchmarks)
        made_by = Provenance(actor="tests", tool="tests")

        async def compare() -> list[Candidate]:
            gate.take("first")
            gate.take("later")
            gate.keep("later", Grounding(source=source, image=image, licence="CC0-1.0", provenance=made_by))
            return await gate.compare(make_scenario_with("fine"), [judged(SAME)], item_id="first")

        (candidate,) = asyncio.run(compare())
        assert candidate.check is not None
        return candidate.check.verdicts[-1].reason

    assert "of item later: 0 of 64" in reason(source="synthetic", benchmarks=[])
    assert "of benchmark siuo, row gen/7: 3 of 64" in reason(source="synthetic", benchmarks=[farther])
    assert "no other picture" in reason(source="photo", benchmarks=[])
    db.close()
