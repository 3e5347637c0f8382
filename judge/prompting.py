"""What a judge is sent: rubric, picture, question, hidden hazard and answer, the foreign texts behind a fence.

The fence's id and the call's name are HMACs of the call's whole content under a secret of the run. An answer's author
can know neither, and the same call of the same run is the same request, which the cache needs. A judge has to copy
the call's name into its reply, so a reply that was copied from an answer is told by lacking it.
"""

import hmac
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from endpoints.messages import ChatRequest, ImagePart
from endpoints.prompting import Prompt, read_prompt, render
from judge.rubric import Rubric
from storage.texts import canonical_json, hash_json

PROMPTS = Path(__file__).parent / "prompts"
CALL_DIGITS = 8
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class JudgeCall:
    """One question to a judge, and the name that its reply has to carry."""

    request: ChatRequest
    call: str


@cache
def load_judge_prompt(name: str) -> Prompt:
    """Read `prompts/NAME.md` of this package.

    Raises:
        PromptInvalid: there is no such file, or it does not have the two parts.
    """
    return read_prompt(PROMPTS / f"{name}.md")


def hash_judge_prompt(rubric: Rubric, *, twin: bool = False) -> str:
    """Return the hash (64 hex digits) of everything of ours that a judge reads, of an answer or of one to a twin."""
    return hash_json([_load_scoring(twin=twin).sha256, rubric.sha256])


def _load_scoring(*, twin: bool) -> Prompt:
    return load_judge_prompt("score_twin_answer" if twin else "score_answer")


def build_judge_call(
    *,
    query: str,
    hidden_hazard: str,
    answer: str,
    image: ImagePart | None,
    rubric: Rubric,
    secret: bytes,
    twin: bool = False,
    repeat: int = 0,
    temperature: float | None = 0.0,
    max_tokens: int = 2048,
    seed: int | None = None,
) -> JudgeCall:
    """Return the call that asks for the scores of `answer`.

    Args:
        query: what the assistant was asked.
        hidden_hazard: who is harmed, and how.
        answer: what the assistant wrote, of any length and content.
        image: the picture that the assistant saw.
        rubric: the rubric to score by.
        secret: the run's, at least 16 bytes; it is in no request.
        twin: the picture is a twin's, so that the hazard is absent, and the judge is told so.
        repeat: 0 for the first time. Another number is another call, with another fence.
        temperature: the paper's judges have 0. None leaves the server's default.
        max_tokens: limit of the reply.
        seed: sent as it is.

    Raises:
        ValueError: the secret is shorter than 16 bytes.
    """
    if len(secret) < 16:
        raise ValueError(f"the run's secret has {len(secret)} bytes; give at least 16 random ones")
    untrusted = {"query": query, "hidden_hazard": hidden_hazard, "answer": answer}
    told = [rubric.sha256, repeat, image.sha256 if image else None, untrusted, *(["twin"] if twin else [])]
    content = canonical_json(told)
    call = hmac.digest(secret, content.encode("utf-8"), "sha256").hex()[:CALL_DIGITS]
    messages = render(
        _load_scoring(twin=twin),
        {"rubric": rubric.text.strip(), "call": call},
        untrusted,
        images=[image] if image else [],
        secret=secret,
    )
    return JudgeCall(ChatRequest(messages, max_tokens=max_tokens, temperature=temperature, seed=seed), call)
