"""Items: one function moves them, along one table."""

import itertools

import pytest
from factories import add_item_in_review, make_provenance, make_scenario
from hypothesis import given
from hypothesis import strategies as st

from storage.audit import verify_chain
from storage.db import Database
from storage.errors import InvalidRecord, NotFound, TransitionRefused
from storage.items import (
    add_scenario,
    advance,
    attach,
    get_grounding,
    get_history,
    get_item,
    get_scenario,
    list_items,
    revise_scenario,
)
from storage.records import BlobRef, Decision, Edits, FilterVerdict, Grounding, RecordKinds, Suggestion
from storage.stages import ALLOWED_TRANSITIONS, Stage, check_transition


def verdict(passed: bool, name: str = "benignness") -> FilterVerdict:
    return FilterVerdict(filter_name=name, passed=passed, provenance=make_provenance())


def test_the_same_scenario_is_added_once(db: Database) -> None:
    scenario = make_scenario()
    with db.write() as session:
        first = add_scenario(session=session, scenario=scenario, batch="a", actor="x")
        again = add_scenario(session=session, scenario=scenario, batch="b", actor="y")
        session.commit()
        assert first.number == again.number
        assert len(list_items(session=session)) == 1
        assert get_scenario(session=session, item=first) == scenario


def test_advance_writes_record_stage_and_event_together_or_nothing(db: Database) -> None:
    with db.write() as session:
        item = add_scenario(session=session, scenario=make_scenario(), batch="a", actor="x")
        session.commit()
    with db.write() as session:
        advance(session=session, item_id=item.id, to=Stage.FILTERED, record=verdict(True), actor="x")
        # no commit: everything of it goes
    with db.write() as session:
        assert get_item(session=session, item_id=item.id).stage == "scenario"
        assert len(get_history(session=session, item_id=item.id)) == 1
        before = verify_chain(session=session).events
        advance(session=session, item_id=item.id, to=Stage.FILTERED, record=verdict(True), actor="x")
        session.commit()
    with db.read() as session:
        assert get_item(session=session, item_id=item.id).stage == "filtered"
        assert [r.kind for r in get_history(session=session, item_id=item.id)] == ["scenario", "filter_verdict"]
        assert verify_chain(session=session).events == before + 1


def test_a_failed_verdict_cannot_move_an_item_forward_nor_a_passed_one_reject_it(db: Database) -> None:
    with db.write() as session:
        item = add_scenario(session=session, scenario=make_scenario(), batch="a", actor="x")
        for passed, to in ((False, Stage.FILTERED), (True, Stage.REJECTED)):
            with pytest.raises(InvalidRecord, match=f"passed={passed}"):
                advance(session=session, item_id=item.id, to=to, record=verdict(passed), actor="x")
        advance(session=session, item_id=item.id, to=Stage.REJECTED, record=verdict(False), actor="x")
        assert get_item(session=session, item_id=item.id).stage == "rejected"


def test_an_unknown_item_is_named(db: Database) -> None:
    with db.read() as session, pytest.raises(NotFound, match="'nope'"):
        get_item(session=session, item_id="nope")


def test_attach_keeps_the_stage_and_stores_a_record_once(db: Database) -> None:
    suggestion = Suggestion(
        item_id="i", task_kind="scenario_review", verdict="reject", provenance=make_provenance(model="m")
    )
    with db.write() as session:
        item = add_item_in_review(session)
        first = attach(session=session, item_id=item.id, record=suggestion, actor="m")
        again = attach(session=session, item_id=item.id, record=suggestion, actor="m")
        session.commit()
        assert first.seq == again.seq
        assert get_item(session=session, item_id=item.id).stage == "refined"


def test_grounding_sets_the_picture(db: Database) -> None:
    image = BlobRef(sha256="a" * 64, mime="image/webp", width_px=4, height_px=3, size_bytes=9, phash="0123456789abcdef")
    with db.write() as session:
        item = add_scenario(session=session, scenario=make_scenario(), batch="a", actor="x")
        advance(session=session, item_id=item.id, to=Stage.FILTERED, record=verdict(True), actor="x")
        assert get_grounding(session=session, item=item) is None
        grounding = Grounding(source="drawing", image=image, licence="CC0-1.0", provenance=make_provenance())
        advance(session=session, item_id=item.id, to=Stage.GROUNDED, record=grounding, actor="x")
        session.commit()
        assert item.image_sha256 == "a" * 64
        assert get_grounding(session=session, item=item) == grounding


def test_a_revision_supersedes_and_starts_a_round(db: Database) -> None:
    with db.write() as session:
        item = add_item_in_review(session)
        before = get_scenario(session=session, item=item)
        with pytest.raises(InvalidRecord, match="changes nothing"):
            revise_scenario(
                session=session, item_id=item.id, edits=Edits(query=before.query), reason="r", actor="user:ada"
            )
        after = revise_scenario(
            session=session, item_id=item.id, edits=Edits(query="  Shorter?  "), reason="r", actor="user:ada"
        )
        session.commit()
        assert (after.query, after.parent_id, item.round) == ("Shorter?", before.id, 2)
        assert before in get_history(session=session, item_id=item.id)


def test_lists_are_filtered_and_paged(db: Database) -> None:
    with db.write() as session:
        for place in range(5):
            category = "privacy_violation" if place % 2 else "self_harm"
            add_scenario(session=session, scenario=make_scenario(category=category), batch=f"b{place}", actor="x")
        session.commit()
        assert len(list_items(session=session, category="privacy_violation")) == 2
        assert len(list_items(session=session, batch="b0")) == 1
        assert list_items(session=session, stage=Stage.REVIEWED) == []
        page = list_items(session=session, limit=2)
        rest = list_items(session=session, after=page[-1].number or 0, limit=9)
        assert [i.batch for i in page + rest] == ["b0", "b1", "b2", "b3", "b4"]


@given(st.sampled_from(Stage), st.sampled_from(Stage), st.sampled_from(sorted(RecordKinds.BY_KIND)))
def test_only_moves_of_the_table_are_allowed(current: Stage, to: Stage, kind: str) -> None:
    if kind in ALLOWED_TRANSITIONS.get((current, to), ()):
        check_transition(current=current, to=to, record_kind=kind)
    else:
        with pytest.raises(TransitionRefused):
            check_transition(current=current, to=to, record_kind=kind)


def test_the_table_leads_from_scenario_to_release_and_nowhere_from_there() -> None:
    path = (
        Stage.SCENARIO, Stage.FILTERED, Stage.GROUNDED, Stage.REFINED, Stage.REVIEWED, Stage.RELEASED,
    )  # fmt: skip
    assert all(pair in ALLOWED_TRANSITIONS for pair in itertools.pairwise(path))
    assert not any(current is Stage.RELEASED for current, _ in ALLOWED_TRANSITIONS)
    assert {kind for kinds in ALLOWED_TRANSITIONS.values() for kind in kinds} <= set(RecordKinds.BY_KIND)


def test_a_decision_moves_a_reviewed_item_back_only_to_review(db: Database) -> None:
    decision = Decision(
        item_id="i", round=1, outcome="approve", review_ids=(), policy="p", provenance=make_provenance()
    )
    with db.write() as session:
        item = add_item_in_review(session)
        advance(session=session, item_id=item.id, to=Stage.REVIEWED, record=decision, actor="x")
        with pytest.raises(TransitionRefused, match="it can go to: refined, rejected, released"):
            advance(session=session, item_id=item.id, to=Stage.FILTERED, record=verdict(True), actor="x")
