"""Faults that show only with the model's own processor: a real Qwen3-VL processor with a tiny tokenizer, no weights."""

import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from training_case import change_rows, choose, make_case, write_data

from caspo.preflight import Case, run_preflight

pytestmark = pytest.mark.models
sys.path.insert(0, str(Path(__file__).parents[1] / "real"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Training data, and a model's folder without weights."""
    from build_checkpoints import train_tokenizer
    from tiny_qwen import CHAT, configure_qwen3, measure_pictures
    from transformers import Qwen2VLImageProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

    folder = tmp_path_factory.mktemp("model")
    library = Path(json.__file__).parents[1]
    tokenizer = train_tokenizer([file.read_text("utf-8", "ignore") for file in sorted(library.glob("*.py"))[:8]])
    size = measure_pictures(16)
    processor = Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(**size), tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(**size), chat_template=CHAT,
    )  # fmt: skip
    processor.save_pretrained(folder / "qwen3")
    configure_qwen3(tokenizer).save_pretrained(folder / "qwen3")
    write_data(folder)
    return folder


def make(home: Path, tmp_path: Path, *, model: Path | None = None, data: Path | None = None, **given: Any) -> Case:
    fields = {**given, "model": {"path": str(model or home / "qwen3"), **given.get("part", {})}}
    fields.pop("part", None)
    return make_case(choose(data or home / "data", tmp_path, **fields), tmp_path)


def find(case: Case) -> dict[str, str]:
    return {one.check: f"{one.wrong} -> {one.change}" for one in run_preflight(case) if one.level != "note"}


def copy_model(home: Path, to: Path) -> Path:
    return Path(shutil.copytree(home / "qwen3", to / "copy"))


def test_where_nothing_is_wrong_nothing_is_found(home: Path, tmp_path: Path) -> None:
    case = make(home, tmp_path)
    assert find(case) == {}
    assert "model" not in {one.check for one in run_preflight(case)}


def test_a_model_without_a_processor_that_reads_pictures(home: Path, tmp_path: Path) -> None:
    model = copy_model(home, tmp_path)
    for file in model.glob("*processor*"):
        file.unlink()
    found = find(make(home, tmp_path, model=model))
    assert list(found) == ["processor"]
    assert "verl would train on the text alone" in found["processor"]


def test_a_model_of_another_family_and_patch_size(home: Path, tmp_path: Path) -> None:
    found = find(make(home, tmp_path, part={"family": "qwen2.5-vl"}))
    assert "is a qwen3_vl, and model.family=qwen2.5-vl" in found["model"]
    assert "data.image_patch_size=14, and the model's patches are of 16 pixels" in found["patch size"]
    found = find(make(home, tmp_path, overrides=["data.image_patch_size=14"]))
    assert list(found) == ["patch size"]


def test_a_processor_that_counts_a_picture_otherwise(home: Path, tmp_path: Path) -> None:
    model = copy_model(home, tmp_path)
    template = (model / "chat_template.jinja").read_text()
    (model / "chat_template.jinja").write_text(template.replace("<|image_pad|>", "<|image_pad|><|image_pad|>"))
    found = find(make(home, tmp_path, model=model))
    assert "image tokens" in found


def test_prompts_over_the_limit_are_counted_with_what_to_set(home: Path, tmp_path: Path) -> None:
    def lengthen(rows: list[dict[str, Any]]) -> None:
        for row in rows[:3]:
            row["prompt"][0]["content"] += " word" * 300

    data = change_rows(home / "data", tmp_path / "long", lengthen)
    said = find(make(home, tmp_path, data=data))["lengths"]
    assert "3 of 8 prompts have more than data.max_prompt_tokens=256 tokens" in said
    assert "set data.max_prompt_tokens=" in said


def test_a_large_picture_counts_with_all_its_tokens(home: Path, tmp_path: Path) -> None:
    case = make(home, tmp_path)
    from caspo.preflight.model import _count_really, measure_prompt
    from caspo.preflight.rows import _read_row

    buffer = io.BytesIO()
    Image.new("RGB", (300, 170)).save(buffer, "PNG")
    row = {"prompt": [{"role": "user", "content": "<image>Is it safe?"}], "images": [{"bytes": buffer.getvalue()}]}
    tokens, wanted = _count_really(case.processor, row)
    content = [{"type": "image", "image": Image.open(buffer)}, {"type": "text", "text": "Is it safe?"}]
    whole = case.processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=True, return_dict=True, return_tensors="np",
        add_generation_prompt=True,
    )  # fmt: skip
    assert tokens == wanted > 4
    assert measure_prompt(case.processor, _read_row(0, row)) == whole["input_ids"].shape[1]


def test_constitution_and_prompt_beyond_what_the_model_reads(home: Path, tmp_path: Path) -> None:
    def lengthen(rows: list[dict[str, Any]]) -> None:
        rows[0]["extra_info"]["constitution"] = "safe " * 5_000

    data = change_rows(home / "data", tmp_path / "long", lengthen)
    said = find(make(home, tmp_path, data=data))["lengths"]
    assert "1 of 8 prompts have with constitution and answer up to" in said
    assert "the model reads 4096 (max_position_embeddings)" in said


def test_an_original_model_that_is_not_there(home: Path, tmp_path: Path) -> None:
    changes = {"teacher": "frozen_original", "original_model": "/models/none"}
    assert "'/models/none' is no folder of a model" in find(make(home, tmp_path, changes=changes))["teacher"]
