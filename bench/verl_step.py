"""CPU time of a CASPO step in verl's engine beside that of a GRPO step, taken in turns in one run.

    python -m bench.verl_step [--rounds 5]

Needs the extras `models` and `verl`. One real run of `verl.trainer.main_ppo` on this CPU, with the test suite's
platform and rollout, whose steps are GRPO's (`+caspo.mode=outcome`) and CASPO's in turns: 8 prompts with a picture, 4
answers of 48 tokens each, a Qwen2.5-VL of 6 layers with random weights, teacher `frozen_sft`. The constitution is about
as long beside prompt and answer as ours are beside the paper's lengths. GRPO samples, scores the answers under the
policy and the reference, and updates; CASPO scores them once more.

The CPU time of each step is that of all processes of the run, whatever else the machine does. `engine_ratio` leaves
sampling and the transport of batches out: policy and reference alone, which is the most that CASPO can add. The first
step of each kind is not counted.

Held to: the ratio of the medians, whole steps, is at most 1.25.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from bench.results_file import write_results

REAL = Path(__file__).parents[1] / "tests" / "real"
sys.path[:0] = [str(REAL), str(REAL / "verl_here")]

PROMPTS, GROUP, TOKENS = 8, 4, 48
MOST = 1.25
POLICY = (
    "Look at the picture for what the answer would set going. Say what may burn, fall, poison or shock, and whom it "
    "would hurt. Name the thing and the way it comes about, then offer what is safe to do."
)


def build_model(folder: Path) -> None:
    """Save a Qwen2.5-VL that is large enough for its arithmetic to count."""
    from build_checkpoints import CHAT, configure_tiny_vlm, train_tokenizer
    from tiny_qwen import measure_pictures, save
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    library = Path(json.__file__).parents[1]
    tokenizer = train_tokenizer([file.read_text("utf-8", "ignore") for file in sorted(library.glob("*.py"))[:60]])
    small = configure_tiny_vlm(tokenizer)
    told = {name: getattr(small.text_config, name) for name in ("vocab_size", "bos_token_id", "eos_token_id")}
    text = {
        **told, "pad_token_id": small.text_config.pad_token_id, "hidden_size": 256, "intermediate_size": 768,
        "num_hidden_layers": 6, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096,
        "rope_theta": 1e6, "tie_word_embeddings": True, "use_sliding_window": False, "max_window_layers": 6,
        "rope_scaling": {"rope_type": "default", "type": "mrope", "mrope_section": [8, 12, 12], "rope_theta": 1e6},
    }  # fmt: skip
    vision = small.vision_config.to_dict() | {"out_hidden_size": 256}
    ids = {
        f"{name}_token_id": getattr(small, f"{name}_token_id")
        for name in ("image", "video", "vision_start", "vision_end")
    }
    torch.manual_seed(0)
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True, **ids)
    size = measure_pictures(14)
    processor = Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(**size), tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**size), chat_template=CHAT,
    )  # fmt: skip
    save(Qwen2_5_VLForConditionalGeneration(config), processor, folder)


def write_prompts(path: Path, count: int) -> None:
    """Write a training file whose pictures are 64 visual tokens each."""
    import io

    import numpy as np
    from PIL import Image

    rows = []
    for index in range(count):
        out = io.BytesIO()
        pixels = np.random.default_rng(index).integers(0, 255, (224, 224, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(out, "PNG")
        extra = {"split": "train", "index": index, "constitution": POLICY}
        asked = f"<image>may I leave number {index} there over night, and is it safe for the children next door?"
        rows.append(
            {
                "data_source": "bench", "prompt": [{"role": "user", "content": asked}],
                "images": [{"bytes": out.getvalue()}], "ability": "safety",
                "reward_model": {"style": "model", "ground_truth": ""}, "extra_info": extra,
            }
        )  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), path)


def run(folder: Path, rounds: int) -> list[dict[str, Any]]:
    """Return what each step took."""
    from verl_runs import MODULES, list_micro, name_files, run_verl

    build_model(folder / "model")
    write_prompts(folder / "train.parquet", 2 * (rounds + 1) * PROMPTS)
    run_verl(
        folder,
        *name_files(folder, folder / "model"),
        *list_micro(4),
        f"data.train_batch_size={PROMPTS}",
        f"actor_rollout_ref.actor.ppo_mini_batch_size={PROMPTS}",
        f"actor_rollout_ref.rollout.n={GROUP}",
        f"data.max_response_length={TOKENS}",
        f"trainer.total_training_steps={2 * (rounds + 1)}",
        "trainer.save_freq=-1",
        "trainer.v1.trainer_mode=caspo_timed",
        "+caspo.teacher=frozen_sft",
        environment={"ANSWERS": "even", "VERL_USE_EXTERNAL_MODULES": f"{MODULES},timing_trainer"},
    )
    steps = [json.loads(line) for line in (folder / "dumps" / "steps.jsonl").read_text().splitlines()]
    return [step for step in steps if step["step"] > 2]


def main() -> int:
    """Measure, print, keep; return 1 when the ratio is above what it is held to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        steps = run(Path(folder), given.rounds)
    taken = {
        f"{name}_{place}_s": round(median(step[place] for step in steps if step["mode"] == mode), 2)
        for name, mode in (("grpo", "outcome"), ("caspo", "hybrid"))
        for place in ("all", "engine", "sampling")
    }
    ratio = taken["caspo_all_s"] / taken["grpo_all_s"]
    figures = {
        "rounds": given.rounds,
        "prompts": PROMPTS,
        "answers_each": GROUP,
        "tokens_of_prompt_and_answer": round(median(step["tokens"] / step["rows"] for step in steps)),
        "tokens_of_answer": TOKENS,
        **taken,
        "ratio": round(ratio, 3),
        "engine_ratio": round(taken["caspo_engine_s"] / taken["grpo_engine_s"], 3),
        "at_most": MOST,
        "held": ratio <= MOST,
    }
    for name, value in figures.items():
        print(f"{name:<28} {value}")
    print("kept in", write_results("verl_step", figures))
    return 0 if figures["held"] else 1


if __name__ == "__main__":
    sys.exit(main())
