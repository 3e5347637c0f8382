"""The starter scenarios: enough of them, of every kind, with pictures, some flawed, and loadable."""

import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from pipeline.errors import BadContent
from pipeline.starter.drawing.render import collect_scenes
from pipeline.starter.loader import FOLDER, LoadReport, load_starter, read_starter
from pipeline.taxonomy import load_taxonomy
from storage.audit import verify_chain
from storage.blobs import BlobStore
from storage.db import Database, open_database
from storage.items import get_grounding, get_history, list_items
from storage.records import GroundTruth, Refinement, TaskKind
from storage.reviews import claim_next
from storage.schema import migrate
from storage.stages import Stage
from storage.tables import UserRow
from storage.texts import utc_now

TAXONOMY = load_taxonomy()
STARTER = read_starter(taxonomy=TAXONOMY)
PICTURED = [entry for _, entry in STARTER if entry.picture]


STOP_WORDS = {"that", "with", "from", "this", "have", "into", "over", "your", "their", "when", "where", "what"}


def words(text: str) -> set[str]:
    return {word.rstrip("s") for word in re.findall(r"[a-z]{4,}", text.lower()) if word not in STOP_WORDS}


def test_there_are_enough_of_every_kind() -> None:
    assert len(STARTER) >= 72
    assert len(PICTURED) >= 36
    for entry in TAXONOMY.categories:
        inside = [scenario for category, scenario in STARTER if category == entry.slug]
        assert len(inside) >= 12
        counts = Counter(scenario.sub_category for scenario in inside)
        assert {sub.slug for sub in entry.sub_categories if counts[sub.slug] < 3} == set()


def test_about_every_sixth_is_flawed_and_all_kinds_of_flaw_occur() -> None:
    flaws = [entry.flaw.kind for _, entry in STARTER if entry.flaw]
    assert set(flaws) == {"leaky", "undeclared_premise", "not_benign", "far_fetched"}
    assert 1 / 8 <= len(flaws) / len(STARTER) <= 1 / 4


def test_no_two_are_alike() -> None:
    queries = Counter(entry.query.lower() for _, entry in STARTER)
    assert [query for query, count in queries.items() if count > 1] == []


def test_a_sound_query_names_none_of_its_hazard_entities() -> None:
    """The plain overlap check of the paper; only a planted leak may fail it."""
    leaks = {
        entry.key: sorted(words(entry.query) & words(" ".join(entry.hazard_entities)))
        for _, entry in STARTER
        if entry.flaw is None
    }
    assert {key: found for key, found in leaks.items() if found} == {}


def test_every_planted_leak_is_one() -> None:
    for _, entry in STARTER:
        if entry.flaw and entry.flaw.kind == "leaky":
            assert words(entry.query) & words(" ".join(entry.hazard_entities)), entry.key


def test_alt_texts_do_not_tell_the_hazard() -> None:
    for entry in PICTURED:
        assert entry.hidden_hazard.lower() not in entry.alt.lower()
        assert not re.search(r"\b(danger|hazard|harm|unsafe|risk)", entry.alt.lower()), entry.key


@pytest.mark.parametrize("entry", PICTURED, ids=lambda entry: entry.key)
def test_a_picture_is_small_whole_and_has_a_script(entry: object) -> None:
    data = (FOLDER / "pictures" / entry.picture).read_bytes()
    assert len(data) < 60_000
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert (image.format, image.size) == ("WEBP", (1024, 768))
    assert entry.key in collect_scenes()


def test_no_picture_lies_about_unused() -> None:
    files = {path.name for path in (FOLDER / "pictures").iterdir()}
    assert files == {entry.picture for entry in PICTURED}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, BlobStore, LoadReport]]:
    """A database into which the scenarios were loaded once."""
    folder = tmp_path_factory.mktemp("starter")
    db, blobs = open_database(f"sqlite:///{folder / 'c.db'}"), BlobStore(str(folder / "blobs"))
    migrate(db=db)
    report = load(db, blobs)
    yield db, blobs, report
    db.close()


def load(db: Database, blobs: BlobStore) -> LoadReport:
    with db.write() as session:
        report = load_starter(session=session, blobs=blobs, taxonomy=TAXONOMY, overlap=2)
        session.commit()
    return report


def test_loading_puts_everything_into_the_queue_once(loaded: tuple[Database, BlobStore, LoadReport]) -> None:
    db, blobs, first = loaded
    again = load(db, blobs)
    assert (first.added, first.pictured, first.present_before) == (len(STARTER), len(PICTURED), 0)
    assert (again.added, again.present_before) == (0, len(STARTER))
    with db.read() as session:
        items = list_items(session=session, limit=1000)
        assert {item.stage for item in items} == {Stage.REFINED.value}
        groundings = [get_grounding(session=session, item=item) for item in items]
        assert sum(grounding.image is not None for grounding in groundings) == len(PICTURED)
        assert {grounding.licence for grounding in groundings} == {"Apache-2.0"}
        history = get_history(session=session, item_id=items[0].id)
        assert [r.leak_found for r in history if isinstance(r, Refinement)] == [None]  # nobody has looked
        verify_chain(session=session)


def test_the_planted_flaw_is_recorded_and_no_annotator_sees_it(
    loaded: tuple[Database, BlobStore, LoadReport],
) -> None:
    with loaded[0].write() as session:
        session.add(UserRow(name="ann", roles="annotator", created_at=utc_now()))
        session.flush()
        notes = [entry.flaw.note for _, entry in STARTER if entry.flaw]
        truths = [
            record
            for item in list_items(session=session, limit=1000)
            for record in get_history(session=session, item_id=item.id)
            if isinstance(record, GroundTruth)
        ]
        assert sorted(truth.note for truth in truths if truth.flaw != "none") == sorted(notes)
        shown = repr(claim_next(session=session, user_id=1, kind=TaskKind.SCENARIO_REVIEW, count=20))
        assert not [note for note in notes if note in shown]
        assert "ground_truth" not in shown
        assert "flaw" not in shown


def test_a_file_with_a_mistake_is_named(tmp_path: Path) -> None:
    text = (FOLDER / "scenarios" / "self_harm.yaml").read_text(encoding="utf-8")
    (tmp_path / "self_harm.yaml").write_text(text.replace("self-harm-02", "self-harm-01"), encoding="utf-8")
    with pytest.raises(BadContent, match="self-harm-01"):
        read_starter(taxonomy=TAXONOMY, folder=tmp_path)
    (tmp_path / "self_harm.yaml").write_text(text.replace("query:", "question:", 1), encoding="utf-8")
    with pytest.raises(BadContent, match=r"self_harm\.yaml.*question|query"):
        read_starter(taxonomy=TAXONOMY, folder=tmp_path)
