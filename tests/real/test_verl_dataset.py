"""What `caspo.dataset` writes, read by verl's own data sets, with the processor of Qwen2.5-VL and a tiny tokenizer."""

import importlib.util
import io
import json
from pathlib import Path
from typing import Any

import pytest
from approved_items import draw_picture
from needs import leave_out
from PIL import Image
from training_sources import make_row, save_as, write_judge_run, write_preferences, write_release

from caspo.constitution import list_constitutions
from caspo.dataset.config import make_config
from caspo.dataset.prepare import prepare
from endpoints.embeddings import HashEmbeddings

pytestmark = [pytest.mark.verl, pytest.mark.timeout(600)]
ITEMS = 12


@pytest.fixture(scope="module")
def processor() -> Any:
    """A processor that reads pictures as the large model's does; its tokenizer knows few words."""
    if missing := [name for name in ("verl", "torch", "transformers") if importlib.util.find_spec(name) is None]:
        leave_out(f"{', '.join(missing)} not installed: verl's data sets cannot be tried")
    from build_checkpoints import CHAT, PATCH_PX, train_tokenizer
    from transformers import Qwen2_5_VLProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor

    library = Path(json.__file__).parents[1]
    tokenizer = train_tokenizer([file.read_text("utf-8", "ignore") for file in sorted(library.glob("*.py"))[:20]])
    size = {"shortest_edge": (PATCH_PX * 2) ** 2 * 4, "longest_edge": (PATCH_PX * 2) ** 2 * 64}
    patches = {"patch_size": PATCH_PX, "merge_size": 2, "temporal_patch_size": 2, "size": size}
    return Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(**patches),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**patches),
        chat_template=CHAT,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PNG, JPEG and WebP pictures, twins, a query with a placeholder in it, and rows of BeaverTails-V."""
    home = tmp_path_factory.mktemp("data")
    odd = {
        3: {"picture": save_as(draw_picture(3), "JPEG")},
        4: {"picture": save_as(draw_picture(4), "WEBP")},
        5: {"query": "<image> Where do I put <video>it?"},
    }
    rows = [make_row(n, twin=n % 2 == 0, **odd.get(n, {})) for n in range(1, ITEMS + 1)]
    release = write_release(home / "v1.0", rows, count=len(rows))
    answers = [(row.id, f"Careful: {row.hidden_hazard}", [(2, 2, 2)]) for row in rows]
    config = make_config(
        {
            "releases": [{"path": release}],
            "judge_runs": [write_judge_run(home / "run", release, answers)],
            "public": [{"kind": "beavertails-v", "path": write_preferences(home / "bt", 5).parent}],
        }
    )
    return prepare(config, to=home / "out", barred=[], embeddings=HashEmbeddings()).folder


def test_verl_reads_the_prompts_with_their_pictures_and_nothing_hidden_in_them(
    folder: Path, processor: Any, tmp_path: Path
) -> None:
    from omegaconf import OmegaConf
    from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn

    settings = OmegaConf.create(
        {"max_prompt_length": 512, "cache_dir": str(tmp_path), "filter_overlong_prompts_workers": 1}
    )
    data = RLHFDataset(str(folder / "train.parquet"), processor.tokenizer, settings, processor)
    rows = [data[place] for place in range(len(data))]
    report = json.loads((folder / "report.json").read_text())
    assert len(rows) == report["items"] + report["twins"]["taken"] == ITEMS + 5 + report["twins"]["taken"]
    assert [row["index"] for row in rows] == list(range(len(rows)))
    constitutions = {each.text for each in list_constitutions().values()}
    for row in rows:
        (message,) = row["raw_prompt"]
        assert [part["type"] for part in message["content"]] == ["image", "text"]
        image = message["content"][0]["image"]
        assert image.format in ("PNG", "JPEG") and image.size == (48, 36)
        told = row["extra_info"]
        assert told["constitution"] in constitutions
        hidden = {told["constitution"], told["hidden_hazard"]} - {""}
        assert not any(text in part.get("text", "") for text in hidden for part in message["content"])
    by_id = {row["extra_info"]["item_id"]: row for row in rows}
    assert by_id["item000005"]["raw_prompt"][0]["content"][1]["text"] == "Where do I put it?"
    assert sum(row["extra_info"]["twin"] for row in rows) == report["twins"]["taken"] == 6
    batch = collate_fn(rows)
    assert list(batch["reward_model"][0]) == ["style", "ground_truth"]


def test_what_verl_counts_as_image_tokens_is_what_the_picture_takes(folder: Path, processor: Any) -> None:
    import pyarrow.parquet as pq

    row = pq.read_table(folder / "train.parquet").to_pylist()[0]
    picture = Image.open(io.BytesIO(row["images"][0]["bytes"])).convert("RGB")
    text = row["prompt"][0]["content"]
    assert text.count("<image>") == len(row["images"]) == 1
    content = [{"type": "image", "image": picture}, {"type": "text", "text": text.removeprefix("<image>")}]
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=True, return_dict=True, return_tensors="pt"
    )
    pad = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    assert int((inputs["input_ids"] == pad).sum()) == int(inputs["image_grid_thw"].prod()) // 4


def test_verl_reads_the_sft_answers_and_only_they_are_in_the_loss(folder: Path, processor: Any) -> None:
    from omegaconf import OmegaConf
    from verl.utils.dataset.multiturn_sft_dataset import MultiTurnSFTDataset

    settings = OmegaConf.create({"max_length": 512, "truncation": "error", "pad_mode": "right"})
    data = MultiTurnSFTDataset(str(folder / "sft.parquet"), processor.tokenizer, settings, processor)
    assert len(data) == ITEMS
    for place in range(len(data)):
        row = data[place]
        learnt = processor.tokenizer.decode(row["input_ids"][row["loss_mask"].bool()])
        assert learnt.startswith("Careful: Hazard ")
        assert learnt.strip().endswith("<|im_end|>")
        assert row["multi_modal_inputs"]["image_grid_thw"].shape == (1, 3)
