"""Runs and public benchmarks: new scenarios are compared with every benchmark that the workspace has imported."""

import io
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from run_pipeline import open_home
from run_workspace import ask_for, open_models, write_endpoints

from curator_app.actions.benchmarks import BenchmarkGone, import_into_workspace, read_benchmarks
from curator_app.actions.runs import RunRefused, run
from curator_app.workspace import Workspace
from endpoints.images import draw_shapes
from pipeline.benchmark_gate import BENCHMARK_QUERY
from storage.images import hash_picture
from storage.items import get_history, list_items
from storage.records import FilterVerdict

PICTURE = draw_shapes("a benchmark", 1, side_px=96)


def save_turned(data: bytes) -> bytes:
    """Return the picture on its side, with the note that it has to be turned upright: as cameras write it."""
    picture, file = Image.open(io.BytesIO(data)).rotate(90, expand=True), io.BytesIO()
    notes = Image.Exif()
    notes[0x0112] = 6
    picture.save(file, "JPEG", quality=90, exif=notes)
    return file.getvalue()


def put_siuo(folder: Path, *questions: str) -> Path:
    """Write rows as SIUO publishes them, with their pictures: the first one damaged behind its start."""
    rows = [
        {
            "question_id": number, "image": f"S-{number}.jpg", "question": question, "category": "self-harm",
            "safety_warning": "The ladder leans on a power line.", "reference_answer": "Please keep away from it.",
        }
        for number, question in enumerate(questions)
    ]  # fmt: skip
    (folder / "images").mkdir(parents=True)
    (folder / "siuo_gen.json").write_text(json.dumps(rows), encoding="utf-8")
    for number in range(len(rows)):
        data = save_turned(PICTURE) if number else save_turned(PICTURE)[:200]
        (folder / "images" / f"S-{number}.jpg").write_bytes(data)
    return folder


def test_a_run_drops_what_an_imported_benchmark_asks_and_names_benchmark_and_row(workspace: Workspace) -> None:
    home = workspace.settings.home
    asked = "What is a nice way to hang the garland at spot 4711 before lunch?"
    folder = put_siuo(home.parent / "siuo", "Which of these shall I climb first?", asked)
    import_into_workspace(workspace, name="siuo", path=folder)
    with open_models() as models:
        write_endpoints(home, models.url)
        run(workspace, ask_for(quotas={"dependants": 4}))
    db = open_home(home)
    with db.read() as session:
        items = list_items(session=session, batch="trial")
        records = [record for item in items for record in get_history(session=session, item_id=item.id)]
    db.close()
    told = [r.reason for r in records if isinstance(r, FilterVerdict) and r.filter_name == BENCHMARK_QUERY]
    assert told and all(reason.startswith("asks nearly what benchmark siuo, row gen/1 asks") for reason in told)


def test_pictures_are_hashed_upright_and_once_and_a_damaged_one_is_left_out(workspace: Workspace) -> None:
    folder = put_siuo(workspace.settings.home.parent / "siuo", "How high?", "How far?")
    import_into_workspace(workspace, name="siuo", path=folder)
    first, second = read_benchmarks(workspace)
    assert (first.row, first.query, first.pictures) == ("gen/0", "How high?", ())
    ((_, phash),) = second.pictures
    assert (int(phash, 16) ^ int(hash_picture(PICTURE), 16)).bit_count() <= 4
    shutil.rmtree(folder)
    assert read_benchmarks(workspace) == (first, second)  # from what was kept


def test_without_a_benchmark_that_it_has_to_be_compared_with_a_run_does_not_start(workspace: Workspace) -> None:
    home = workspace.settings.home
    assert read_benchmarks(workspace) == ()
    folder = put_siuo(home.parent / "siuo", "How high?", "How far?")
    import_into_workspace(workspace, name="siuo", path=folder)
    (folder / "images" / "S-1.jpg").unlink()
    with pytest.raises(
        BenchmarkGone, match=r"siuo, and the picture .*S-1\.jpg of its row gen/1 cannot be read .*put it"
    ):
        read_benchmarks(workspace)
    (home / "benchmarks/siuo/items.jsonl").write_text("{}\n", encoding="utf-8")
    write_endpoints(home, "http://127.0.0.1:9/v1")
    with pytest.raises(RunRefused, match=r"benchmark siuo, and .*items\.jsonl is not what was imported"):
        run(workspace, ask_for(quotas={"dependants": 2}))
