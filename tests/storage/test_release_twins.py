"""Twins on their way into a release: only what a person found harmless, of the wording that was approved."""

import hashlib
from pathlib import Path

import pytest
from approved_items import FLAW_NOTE, LOOKER, START, add_approved, add_twin
from release_folders import all_bytes, freeze

from storage.audit import verify_chain
from storage.blobs import BlobStore
from storage.db import Database
from storage.errors import Conflict, NotFound
from storage.items import append_record, get_history, get_item
from storage.records import Provenance, Scenario, TwinReview
from storage.release_files import diff_releases, read_release, verify_release
from storage.releases import count_approved
from storage.stages import Stage
from storage.twins import find_twin, list_unseen, review_twin


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "releases"


def say(db: Database, item_id: str, twin_id: str, *, harmless: bool) -> TwinReview:
    with db.write() as session:
        review = review_twin(session=session, item_id=item_id, twin_id=twin_id, harmless=harmless, reviewer=LOOKER)
        session.commit()
    return review


def unseen(db: Database) -> list[str]:
    with db.read() as session:
        return [item.id for item in list_unseen(session=session)]


def twins_of(folder: Path) -> list[str | None]:
    return [row.twin_image_sha256 for row in read_release(folder).items]


def reword(db: Database, item_id: str) -> None:
    """Let the item have a newer wording, as after a revision that was approved."""
    with db.write() as session:
        item = get_item(session=session, item_id=item_id)
        old = next(r for r in get_history(session=session, item_id=item_id) if isinstance(r, Scenario))
        made = Provenance(actor="tests", tool="tests", created_at=START)
        changes = {"query": "May it stand there?", "parent_id": old.id, "provenance": made}
        new = Scenario.model_validate(old.model_dump() | changes)
        append_record(session=session, item=item, record=new, actor="tests", now=START)
        item.scenario_id = new.id
        session.add(item)
        session.commit()


def test_a_release_takes_the_twins_that_somebody_found_harmless_and_no_others(db, blobs, home) -> None:
    ids = add_approved(db, blobs, 4)
    good = add_twin(db, blobs, ids[0], picture=501)
    add_twin(db, blobs, ids[1], harmless=None, picture=502)
    add_twin(db, blobs, ids[2], harmless=False, picture=503)
    assert unseen(db) == [ids[1]]
    freeze(db, blobs, home / "v1.0")
    report = verify_release(home / "v1.0")
    release = read_release(home / "v1.0")
    rows = list(release.items)
    assert [row.has_twin for row in rows] == [True, False, False, False]
    assert rows[0].twin_image == blobs.read(good.image) and rows[0].twin_image_path
    assert rows[0].twin_image_sha256 == hashlib.sha256(rows[0].twin_image).hexdigest() != rows[0].image_sha256
    assert (rows[0].twin_scene, rows[0].twin_alt, rows[0].twin_licence) == (good.scene, good.alt, "CC0-1.0")
    assert report.items == len(rows) == len(list(release.iterate_row_hashes())) == 4, "a twin is no row"
    assert sum(sum(subs.values()) for subs in release.manifest.counts.values()) == 4
    text = "".join(repr(data) for name, data in all_bytes(home / "v1.0").items() if not name.endswith(".parquet"))
    assert LOOKER not in text + repr(rows) and FLAW_NOTE not in text
    with db.read() as session:
        assert sum(count.approved for count in count_approved(session=session).values()) == 4
        verify_chain(session=session)


def test_the_last_word_about_a_twin_counts_also_when_it_is_an_earlier_one_again(db, blobs, home) -> None:
    (item_id,) = add_approved(db, blobs, 1)
    twin = add_twin(db, blobs, item_id)
    say(db, item_id, twin.id, harmless=False)
    with db.read() as session:
        found = find_twin(session=session, item=get_item(session=session, item_id=item_id))
        assert found is not None and found.review is not None and not found.review.harmless
    last = say(db, item_id, twin.id, harmless=True)
    with db.read() as session:
        said = [r for r in get_history(session=session, item_id=item_id) if isinstance(r, TwinReview)]
    assert [review.harmless for review in said] == [True, False, True]
    assert [review.parent_id for review in said] == [twin.id, said[0].id, said[1].id]
    assert last.id == said[2].id
    freeze(db, blobs, home / "v1.0")
    assert twins_of(home / "v1.0") == [twin.image.sha256]


def test_a_twin_of_an_earlier_wording_is_left_out_and_cannot_be_looked_at(db, blobs, home) -> None:
    (item_id,) = add_approved(db, blobs, 1)
    old = add_twin(db, blobs, item_id)
    reword(db, item_id)
    assert unseen(db) == []
    with pytest.raises(NotFound, match="no twin of its present wording"):
        say(db, item_id, old.id, harmless=True)
    freeze(db, blobs, home / "v1.0")
    assert twins_of(home / "v1.0") == [None]


def test_a_newer_twin_has_to_be_looked_at_anew(db, blobs, home) -> None:
    (item_id,) = add_approved(db, blobs, 1)
    old = add_twin(db, blobs, item_id, picture=501)
    reword(db, item_id)
    new = add_twin(db, blobs, item_id, harmless=None, picture=502)
    assert unseen(db) == [item_id]
    with pytest.raises(Conflict, match="another twin by now"):
        say(db, item_id, old.id, harmless=True)
    say(db, item_id, new.id, harmless=True)
    assert unseen(db) == []
    freeze(db, blobs, home / "v1.0")
    assert twins_of(home / "v1.0") == [new.image.sha256]


def test_what_was_released_does_not_change_by_a_later_look(db, blobs, home) -> None:
    ids = add_approved(db, blobs, 2)
    twin = add_twin(db, blobs, ids[0], harmless=None)
    kept = add_twin(db, blobs, ids[1], picture=502)
    freeze(db, blobs, home / "v1.0")
    assert unseen(db) == []
    for item_id, seen in ((ids[0], twin), (ids[1], kept)):
        with pytest.raises(Conflict, match="stage 'released'"):
            say(db, item_id, seen.id, harmless=item_id == ids[0])
    freeze(db, blobs, home / "v1.1")
    assert twins_of(home / "v1.1") == [None, kept.image.sha256]
    first, second = all_bytes(home / "v1.0"), all_bytes(home / "v1.1")
    data = [name for name in first if name.endswith(".parquet")]
    assert data and all(first[name] == second[name] for name in data), "the same content gives the same bytes"
    assert read_release(home / "v1.0").manifest.audit_head == read_release(home / "v1.1").manifest.audit_head


def test_nothing_is_said_about_an_item_that_is_not_approved(db, blobs) -> None:
    ids = add_approved(db, blobs, 2)
    twin = add_twin(db, blobs, ids[0], harmless=None)
    with db.write() as session:
        item = get_item(session=session, item_id=ids[0])
        item.stage = Stage.REFINED.value
        session.add(item)
        session.commit()
    assert unseen(db) == []
    with pytest.raises(Conflict, match="stage 'refined'"):
        say(db, ids[0], twin.id, harmless=True)
    with pytest.raises(NotFound, match="no twin"):
        say(db, ids[1], twin.id, harmless=True)


def test_a_twin_of_the_same_item_in_another_release_shows_field_by_field(db, blobs, home, tmp_path) -> None:
    ids = add_approved(db, blobs, 2)
    freeze(db, blobs, home / "v0.1", item_ids=ids[:1])
    with db.write() as session:  # as if it had not been released
        item = get_item(session=session, item_id=ids[0])
        item.stage = Stage.REVIEWED.value
        session.add(item)
        session.commit()
    add_twin(db, blobs, ids[0])
    freeze(db, blobs, home / "v0.2")
    diff = diff_releases(read_release(home / "v0.1"), read_release(home / "v0.2"))
    assert ([row.id for row in diff.added], diff.removed, diff.unchanged) == ([ids[1]], (), 0)
    (change,) = diff.changed
    names = {field.name for field in change.fields}
    assert names == {"twin_scene", "twin_alt", "twin_image_sha256", "twin_licence"}
    assert all(field.before is None for field in change.fields)


def test_a_look_makes_a_freeze_that_runs_meanwhile_start_again(db, blobs, home) -> None:
    if db.is_sqlite:
        pytest.skip("SQLite has one writer at a time, so nobody can look meanwhile")
    ids = add_approved(db, blobs, 2)
    twin = add_twin(db, blobs, ids[0], harmless=None)
    read = blobs.read

    def read_and_look(*args):
        if unseen(db):
            say(db, ids[0], twin.id, harmless=True)
        return read(*args)

    blobs.read = read_and_look
    with pytest.raises(Conflict, match="S-0001 changed while"):
        freeze(db, blobs, home / "v1.0")


def test_the_twin_as_something_to_be_asked_about_has_its_own_name_and_picture(db, blobs, home) -> None:
    ids = add_approved(db, blobs, 2)
    twin = add_twin(db, blobs, ids[0])
    freeze(db, blobs, home / "v1.0")
    first, second = read_release(home / "v1.0").items
    asked = first.as_twin()
    assert (asked.id, asked.query, asked.hidden_hazard) == (f"{ids[0]}-twin", first.query, first.hidden_hazard)
    assert (asked.image, asked.image_sha256, asked.scene) == (first.twin_image, twin.image.sha256, twin.scene)
    with pytest.raises(ValueError, match="has no twin"):
        second.as_twin()
