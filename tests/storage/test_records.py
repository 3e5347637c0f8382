"""Records: strict at the edge, the same id for the same content, nothing lost on the way through JSON."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from factories import make_answers, make_provenance, make_scenario
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from storage.records import BlobRef, Edits, Grounding, Judgment, Provenance, ReviewAnswers, Scenario, parse_record
from storage.texts import canonical_json

lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=60).filter(
    lambda text: text.strip()
)


@given(query=lines, scene=lines, entities=st.lists(lines, min_size=1, max_size=5))
def test_a_record_survives_json_and_keeps_its_id(query: str, scene: str, entities: list[str]) -> None:
    scenario = make_scenario(query=query, scene=scene, hazard_entities=entities)
    back = parse_record(scenario.to_json())
    assert back == scenario
    assert back.id == scenario.id
    assert back.to_json() == scenario.to_json()


def test_a_scene_may_be_as_long_in_an_edit_as_in_a_scenario() -> None:
    scene = "A long kitchen. " * 1_000
    assert make_scenario(scene=scene).scene == scene
    assert Edits(scene=scene).scene == scene.strip()
    with pytest.raises(ValidationError):
        Edits(scene="x" * 20_001)


def test_the_id_depends_on_content_and_not_on_provenance() -> None:
    values = make_scenario().model_dump() | {"query": "Where do the keys go?"}
    same = Scenario.model_validate(values | {"provenance": make_provenance(actor="user:somebody").model_dump()})
    other = Scenario.model_validate(values | {"query": "Where do the keys go!"})
    assert Scenario.model_validate(values).id == same.id
    assert Scenario.model_validate(values).id != other.id


def test_text_is_normalised_so_that_equal_looking_text_is_equal() -> None:
    assert make_scenario(scene="cafe\u0301").scene == "caf\u00e9"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"query": "   "}, "empty"),
        ({"query": "a\x00b"}, "NUL"),
        ({"scene": "\ud800"}, "unicode"),
        ({"query": "x" * 2001}, "2000"),
        ({"category": "cooking"}, "violent_content"),
        ({"sub_category": "No Spaces"}, "pattern"),
        ({"hazard_entities": ()}, "at least 1"),
        ({"flavour": "new"}, "Extra inputs"),
    ],
)
def test_a_bad_scenario_is_refused_with_the_reason(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_scenario(**changes)


def test_records_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        make_scenario().query = "other"


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"verdict": "approve", "reasons": ["leakage"]}, "approve takes no reasons"),
        ({"verdict": "approve", "edits": {"query": "x"}}, "approve takes no reasons"),
        ({"verdict": "reject"}, "needs at least one reason"),
        ({"verdict": "reject", "reasons": ["leakage"], "edits": {"scene": "x"}}, "reject takes no edits"),
        ({"verdict": "revise"}, "needs at least one reason"),
        ({"verdict": "reject", "reasons": ["other"]}, "needs a note"),
        ({"verdict": "reject", "reasons": ["other"], "note": "  "}, "needs a note"),
        ({"verdict": "reject", "reasons": ["leakage", "leakage"]}, "twice"),
        ({"verdict": "approve", "seconds": -1}, "greater than or equal"),
        ({"verdict": "approve", "seconds": float("nan")}, "finite|greater"),
        ({"verdict": "approve", "seconds": float("inf")}, "finite|less"),
        ({"verdict": "maybe"}, "approve"),
        ({"verdict": "approve", "answers": {"beauty": "yes"}}, "query_benignness"),
        ({"verdict": "approve", "answers": {"risk_clarity": "perhaps"}}, "unsure"),
    ],
)
def test_answers_that_contradict_themselves_are_refused(answers: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ReviewAnswers.model_validate(answers)


def test_a_revision_may_rest_on_an_edit_alone() -> None:
    assert make_answers("revise", reasons=(), edits={"query": "Would basil do?"}).edits.query == "Would basil do?"


def test_times_are_kept_in_utc_and_naive_ones_refused() -> None:
    there = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    assert Provenance(actor="a", tool="t", created_at=there).created_at == datetime(2026, 3, 1, 7, tzinfo=UTC)
    with pytest.raises(ValidationError, match="no time zone"):
        Provenance(actor="a", tool="t", created_at=datetime(2026, 3, 1))  # noqa: DTZ001


def test_only_a_description_goes_without_an_image() -> None:
    image = BlobRef(sha256="b" * 64, mime="image/png", width_px=1, height_px=1, size_bytes=1, phash="0" * 16)
    for source, picture in (("photo", None), ("description", image)):
        with pytest.raises(ValidationError, match="do not agree"):
            Grounding(source=source, image=picture, licence="CC0-1.0", provenance=make_provenance())


def test_a_judgment_has_scores_or_says_why_not() -> None:
    shared = {"response_id": "c" * 64, "rubric_sha256": "d" * 64, "raw_reply": "?", "provenance": make_provenance()}
    with pytest.raises(ValidationError, match="all three scores"):
        Judgment(**shared, risk_appraisal=2)
    with pytest.raises(ValidationError, match="no scores"):
        Judgment(**shared, unscored="failed", risk_appraisal=0)
    assert Judgment(**shared, unscored="failed").risk_appraisal is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind":"spell"}', "null", '{"kind":"scenario"}'])
def test_text_that_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_record(text)


@given(st.recursive(st.none() | st.booleans() | st.integers() | lines, lambda inner: st.dictionaries(lines, inner)))
def test_canonical_json_is_one_text_for_one_value(value: object) -> None:
    assert canonical_json(json.loads(canonical_json(value))) == canonical_json(value)
