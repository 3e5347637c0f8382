"""Progress and guidelines: numbers that match what people did, and versions that never change."""

from datetime import timedelta

import pytest
from factories import add_items_in_review, add_users, make_answers, make_provenance
from sqlmodel import select

from storage.claims import add_flag
from storage.db import Database
from storage.errors import InvalidRecord, NotFound
from storage.flags import list_open_flags, resolve_flag
from storage.guidelines import add_version, current
from storage.items import attach
from storage.progress import category_progress, flaw_progress, own_progress, people_progress, total_progress
from storage.records import GroundTruth, TaskKind
from storage.reviews import claim_next, release_claim, submit_review
from storage.tables import AuditRow
from storage.texts import utc_now
from storage.undo import undo_review

KIND = TaskKind.SCENARIO_REVIEW


def review(db: Database, user: int, *, verdict: str = "approve", now=None, seconds: float = 5) -> None:
    with db.write() as session:
        claim = claim_next(session=session, user_id=user, kind=KIND, now=now)[0]
        submit_review(
            session=session,
            user_id=user,
            claim_id=claim.claim_id,
            answers=make_answers(verdict, seconds=seconds),
            idempotency_key=claim.claim_id,
            now=now,
        )
        session.commit()


def own(db: Database, user: int, **more: object):
    with db.read() as session:
        return own_progress(session=session, user_id=user, kind=KIND, **more)


def test_own_numbers_follow_reviews_skips_and_undo(db: Database) -> None:
    add_items_in_review(db, 5)
    ann, ben = add_users(db, "ann", "ben")
    assert (own(db, ann).submitted, own(db, ann).left) == (0, 5)
    review(db, ann)
    review(db, ann)
    with db.write() as session:
        skipped = claim_next(session=session, user_id=ann, kind=KIND)[0]
        release_claim(session=session, user_id=ann, claim_id=skipped.claim_id, skip=True)
        session.commit()
    seen = own(db, ann)
    assert (seen.submitted, seen.today, seen.skipped, seen.left) == (2, 2, 1, 2)
    assert own(db, ben).left == 5
    with db.write() as session:
        undo_review(session=session, user_id=ann)
        session.commit()
    assert own(db, ann).submitted == 1


def test_today_begins_at_midnight_utc(db: Database) -> None:
    add_items_in_review(db, 2)
    (ann,) = add_users(db, "ann")
    noon = utc_now().replace(hour=12)
    review(db, ann, now=noon - timedelta(days=1))
    review(db, ann, now=noon)
    assert (own(db, ann, now=noon).submitted, own(db, ann, now=noon).today) == (2, 1)


def test_the_rate_leaves_breaks_out_and_needs_three_reviews(db: Database) -> None:
    add_items_in_review(db, 6)
    (ann,) = add_users(db, "ann")
    start = utc_now().replace(hour=8)
    for minutes in (0, 1):
        review(db, ann, now=start + timedelta(minutes=minutes))
    assert own(db, ann).per_hour is None
    for minutes in (2, 62, 63):  # an hour's break between 2 and 62
        review(db, ann, now=start + timedelta(minutes=minutes))
    assert own(db, ann).per_hour == 60.0


def test_the_rate_is_that_of_the_kind(db: Database) -> None:
    add_items_in_review(db, 4)
    (ann,) = add_users(db, "ann")
    start = utc_now().replace(hour=8)
    for minutes in range(4):
        review(db, ann, now=start + timedelta(minutes=minutes))
    assert own(db, ann).per_hour == 60.0
    with db.read() as session:
        assert own_progress(session=session, user_id=ann, kind=TaskKind.ADJUDICATION).per_hour is None


def test_totals_count_reviews_decisions_and_differences(db: Database) -> None:
    add_items_in_review(db, 3)
    ann, ben = add_users(db, "ann", "ben")
    for user, verdicts in ((ann, ("approve", "approve")), (ben, ("approve", "reject"))):
        for verdict in verdicts:
            review(db, user, verdict=verdict)
    with db.read() as session:
        total = total_progress(session=session, kind=KIND)
    assert (total.tasks, total.submitted, total.needed, total.decided, total.adjudicating) == (3, 4, 6, 1, 1)


def test_people_are_listed_by_how_much_they_did(db: Database) -> None:
    add_items_in_review(db, 3)
    ann, ben = add_users(db, "ann", "ben")
    review(db, ann, seconds=4)
    review(db, ben, seconds=4)
    review(db, ben, seconds=8)
    with db.read() as session:
        people = people_progress(session=session)
    assert [(p.name, p.submitted, p.seconds_mean) for p in people] == [("ben", 2, 6.0), ("ann", 1, 4.0)]


def test_guidelines_are_versions(db: Database) -> None:
    with db.write() as session:
        with pytest.raises(NotFound, match="no guidelines"):
            current(session=session, kind=KIND)
        first = add_version(session=session, kind=KIND, markdown=" # One ", author="user:mia")
        same = add_version(session=session, kind=KIND, markdown="# One", author="user:mia")
        second = add_version(session=session, kind=KIND, markdown="# Two", author="user:mia")
        session.commit()
        assert (first.version, same.version, second.version) == (1, 1, 2)
        assert current(session=session, kind=KIND).markdown == "# Two"
        for bad in ("", "  ", "x" * 70_000, "a\x00b"):
            with pytest.raises(InvalidRecord, match="guidelines"):
                add_version(session=session, kind=KIND, markdown=bad, author="user:mia")


def test_flags_are_listed_until_a_maintainer_resolves_them(db: Database) -> None:
    add_items_in_review(db, 1)
    (ann,) = add_users(db, "ann")
    with db.write() as session:
        claim = claim_next(session=session, user_id=ann, kind=KIND)[0]
        add_flag(session=session, user_id=ann, claim_id=claim.claim_id, note="is the badge real?")
        session.commit()
    with db.write() as session:
        (flag,) = list_open_flags(session=session)
        assert (flag.label, flag.note, flag.by) == ("S-0001", "is the badge real?", "ann")
        for _ in range(2):  # the second time changes nothing
            resolve_flag(session=session, flag_id=flag.id, actor="user:mia")
        session.commit()
        assert list_open_flags(session=session) == []
        with pytest.raises(NotFound, match="no flag 99"):
            resolve_flag(session=session, flag_id=99, actor="user:mia")
        tags = [row.tag for row in session.exec(select(AuditRow).order_by(AuditRow.seq))]
        assert tags.count("reviews:flag:resolve") == 1


def test_planted_flaws_are_counted_once_settled(db: Database) -> None:
    ids = add_items_in_review(db, 4, overlap=1)
    (ann,) = add_users(db, "ann")
    with db.write() as session:
        for item_id, flaw in zip(ids, ("leaky", "leaky", "none", "none"), strict=True):
            truth = GroundTruth(item_id=item_id, flaw=flaw, provenance=make_provenance())
            attach(session=session, item_id=item_id, record=truth, actor="tests")
        verdicts = dict(zip(ids, ("reject", "approve", "reject", None), strict=True))
        for claim in claim_next(session=session, user_id=ann, kind=KIND, count=4):
            verdict = verdicts[claim.item.id]
            if verdict:
                submit_review(
                    session=session,
                    user_id=ann,
                    claim_id=claim.claim_id,
                    answers=make_answers(verdict),
                    idempotency_key=claim.claim_id,
                )
        session.commit()
        flaws = flaw_progress(session=session)
        (category,) = category_progress(session=session)
    assert (flaws.caught, flaws.flawed, flaws.sound_rejected, flaws.sound) == (1, 2, 1, 1)
    assert (category.category, category.approved, category.rejected, category.waiting) == ("self_harm", 1, 2, 1)


def test_a_revised_item_counts_once_by_its_present_round(db: Database) -> None:
    add_items_in_review(db, 2, overlap=1)
    ann, ada = add_users(db, "ann", "ada")
    review(db, ann, verdict="revise")
    with db.write() as session:
        claim = claim_next(session=session, user_id=ada, kind=TaskKind.ADJUDICATION)[0]
        answers = make_answers("revise", note="shorter", edits={"query": "Shorter?"})
        submit_review(session=session, user_id=ada, claim_id=claim.claim_id, answers=answers, idempotency_key="k")
        session.commit()
        total = total_progress(session=session, kind=KIND)
        differences = total_progress(session=session, kind=TaskKind.ADJUDICATION)
    assert (total.tasks, total.submitted, total.decided) == (2, 0, 0)
    assert (differences.tasks, differences.decided) == (1, 1)
