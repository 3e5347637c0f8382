"""Rollouts by `transformers.generate` on this CPU, `rollout.name=generate`: in place of vLLM, which verl has for GPUs.

ANSWERS=even in the environment makes all answers equally long, otherwise their greatest length is drawn. Weights are
written to the folder DUMPS each time that they arrive, under the step that they belong to.
"""

import os
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import ray
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor, GenerationConfig
from verl.workers.rollout.base import _ROLLOUT_REGISTRY, BaseRollout
from verl.workers.rollout.replica import RolloutReplica, RolloutReplicaRegistry, TokenOutput

SERVER = "generate_server"


@ray.remote(num_cpus=0)
class GenerateServer:
    """One model that answers, one request after another."""

    def __init__(self, folder: str, longest: int) -> None:
        torch.set_num_threads(1)
        self.longest, self.step = longest, 0
        self.asked: Counter[bytes] = Counter()
        self.model = AutoModelForImageTextToText.from_pretrained(
            folder, attn_implementation="eager", dtype=torch.float32
        ).eval()
        self.processor = AutoProcessor.from_pretrained(folder)
        self.banned = self._find_banned()

    def _find_banned(self) -> list[int]:
        """Return what must not be sampled: tokens that stand for pictures, and ids that the tokenizer has not."""
        config = self.model.config
        pictures = {config.image_token_id, config.video_token_id, config.vision_start_token_id}
        known = len(self.processor.tokenizer)
        return sorted(pictures | set(range(known, self.model.get_input_embeddings().weight.shape[0])))

    async def generate(
        self, request_id: str, prompt_ids: Any, sampling_params: dict[str, Any], image_data: Any = None, **_: Any
    ) -> TokenOutput:
        ids = torch.tensor([list(prompt_ids)])
        seen: dict[str, Any] = {}
        if image_data:
            seen = dict(self.processor.image_processor(images=list(image_data), return_tensors="pt"))
            seen["mm_token_type_ids"] = (ids == self.model.config.image_token_id).long()
        # Requests come in any order; so each draws by itself, and a run draws the same answers every time.
        prompt = ids.numpy().tobytes()
        self.asked[prompt] += 1
        torch.manual_seed(zlib.crc32(prompt) + self.asked[prompt])
        even = os.environ.get("ANSWERS") == "even"
        length = self.longest if even else int(torch.randint(2, self.longest + 1, ()))
        temperature, end = sampling_params["temperature"], self.processor.tokenizer.eos_token_id
        config = GenerationConfig(
            max_new_tokens=length, min_new_tokens=length if even else None, do_sample=True, temperature=temperature,
            top_k=0, top_p=1.0, suppress_tokens=self.banned, eos_token_id=end,
            pad_token_id=self.processor.tokenizer.pad_token_id, return_dict_in_generate=True, output_logits=True,
        )  # fmt: skip
        with torch.no_grad():
            drawn = self.model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=config, **seen)
        tokens = drawn.sequences[0, ids.shape[1] :]
        log_probs = [
            float(torch.log_softmax(logits[0].float() / temperature, -1)[token])
            for logits, token in zip(drawn.logits, tokens, strict=True)
        ]
        return TokenOutput(
            token_ids=tokens.tolist(), log_probs=log_probs, stop_reason="completed",
            extra_fields={"global_steps": self.step},
        )  # fmt: skip

    def load(self, weights: dict[str, torch.Tensor], step: int | None) -> None:
        tied = "model.language_model.embed_tokens.weight"
        self.model.load_state_dict({"lm_head.weight": weights[tied], **weights})
        self.step = step or 0
        if "DUMPS" in os.environ:
            torch.save(self.model.state_dict(), Path(os.environ["DUMPS"]) / f"weights-{self.step}.pt")

    def do_nothing(self, *_: Any, **__: Any) -> None:
        """A server on a GPU would free memory."""

    wake_up = sleep = abort_all_requests = resume_generation = clear_kv_cache = do_nothing
    release_kv_cache = resume_kv_cache = start_profile = stop_profile = do_nothing


class GenerateReplica(RolloutReplica):  # type: ignore[misc]
    """Starts the server."""

    async def launch_servers(self) -> None:
        server = GenerateServer.options(name=SERVER).remote(self.model_config.path, self.config.response_length)
        self.servers = [server]
        self._server_handle, self._server_address = server, SERVER


class GenerateAdapter(BaseRollout):  # type: ignore[misc]
    """Hands new weights to the server."""

    async def resume(self, tags: list[str]) -> None:
        pass

    async def release(self) -> None:
        pass

    async def update_weights(self, weights: Any, global_steps: int | None = None, **_: Any) -> None:
        found = {name: tensor.detach().float().cpu().clone() for name, tensor in weights}
        await ray.get_actor(SERVER).load.remote(found, global_steps)


RolloutReplicaRegistry.register("generate", lambda: GenerateReplica)
_ROLLOUT_REGISTRY["generate", "async"] = "generate_rollout.GenerateAdapter"
