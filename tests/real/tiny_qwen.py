"""Tiny Qwen2.5-VL and Qwen3-VL with random weights and their real processors, for verl: `python tiny_qwen.py OUT`.

Qwen2.5-VL's chat template writes a system turn by itself where none is given, as the real one does; Qwen3-VL's does
not. `original` is the first with other weights: what stands for the model before SFT.
"""

import json
import sys
from pathlib import Path

import torch
from build_checkpoints import CHAT, configure_tiny_vlm, train_tokenizer
from transformers import (
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2TokenizerFast,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

BY_ITSELF = (
    "{%- if messages[0].role != 'system' %}{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}"
    "{%- endif %}"
)
PICTURE_TOKENS = ("image", "video", "vision_start", "vision_end")


def configure_qwen3(tokenizer: Qwen2TokenizerFast) -> Qwen3VLConfig:
    small = configure_tiny_vlm(tokenizer)
    text = small.text_config
    named = {f"{name}_token_id": getattr(small, f"{name}_token_id") for name in PICTURE_TOKENS}
    rope = {"rope_type": "default", "mrope_section": [6, 5, 5], "mrope_interleaved": True, "rope_theta": 5e6}
    return Qwen3VLConfig(
        text_config={
            "vocab_size": text.vocab_size, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32, "max_position_embeddings": 4096,
            "rms_norm_eps": 1e-6, "rope_theta": 5e6, "rope_scaling": rope, "tie_word_embeddings": True,
            "bos_token_id": text.pad_token_id, "eos_token_id": text.eos_token_id, "pad_token_id": text.pad_token_id,
            "attention_bias": False,
        },
        vision_config={
            "depth": 2, "hidden_size": 64, "intermediate_size": 128, "num_heads": 2, "in_channels": 3,
            "out_hidden_size": 64, "patch_size": 16, "spatial_merge_size": 2, "temporal_patch_size": 2,
            "num_position_embeddings": 256, "deepstack_visual_indexes": [0], "hidden_act": "gelu_pytorch_tanh",
        },
        tie_word_embeddings=True,
        **named,
    )  # fmt: skip


def measure_pictures(patch: int) -> dict[str, object]:
    side = patch * 2
    size = {"shortest_edge": side**2 * 4, "longest_edge": side**2 * 64}
    return {"patch_size": patch, "merge_size": 2, "temporal_patch_size": 2, "size": size}


def save(model: torch.nn.Module, processor: object, folder: Path) -> None:
    text = model.config.text_config
    model.config.architectures = [type(model).__name__]
    model.generation_config.eos_token_id = [text.eos_token_id, text.pad_token_id]
    model.generation_config.pad_token_id = text.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def build_all(out: Path) -> None:
    library = Path(json.__file__).parents[1]
    tokenizer = train_tokenizer([file.read_text("utf-8", "ignore") for file in sorted(library.glob("*.py"))[:60]])
    for name, seed in (("qwen2.5", 0), ("original", 1)):
        torch.manual_seed(seed)
        size = measure_pictures(14)
        processor = Qwen2_5_VLProcessor(
            image_processor=Qwen2VLImageProcessor(**size), tokenizer=tokenizer,
            video_processor=Qwen2VLVideoProcessor(**size), chat_template=BY_ITSELF + CHAT,
        )  # fmt: skip
        save(Qwen2_5_VLForConditionalGeneration(configure_tiny_vlm(tokenizer)), processor, out / name)
    torch.manual_seed(2)
    size = measure_pictures(16)
    processor = Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(**size, image_mean=[0.5] * 3, image_std=[0.5] * 3), tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(**size), chat_template=CHAT,
    )  # fmt: skip
    save(Qwen3VLForConditionalGeneration(configure_qwen3(tokenizer)), processor, out / "qwen3")


if __name__ == "__main__":
    build_all(Path(sys.argv[1]))
