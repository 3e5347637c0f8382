"""The prompt of an answer with its constitution before it: token ids and positions, from what verl has stored.

A chat template puts a system turn at the head of a prompt, in place of the one that it may write by itself. So only the
head changes. It is made from text; the rest is taken over as the policy has read it, pictures' tokens included: nothing
is tokenised twice or read from a picture again, and any family whose template has such a turn is served. Positions
after the head move by the difference of the two heads' lengths, which holds for M-RoPE too: what follows a text counts
on from it. No verl here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from caspo.errors import PromptUnfit

Render = Callable[[Sequence[Mapping[str, str]]], str]
"""Messages -> the chat template's text, with the opening of the assistant's turn."""
Encode = Callable[[str], Sequence[int]]
"""Text -> token ids, no special token added."""
_PROBES = ("0", "What")
"""Two user's turns that share no token: what their prompts have in common at the start is the template's."""


@dataclass(frozen=True)
class _Heads:
    """Token ids before the user's turn."""

    plain: list[int]
    guided: list[int]
    opening: list[int]
    """With what a prompt without constitution begins: `plain`, and the user's turn's first tokens."""


@dataclass
class GuidedPrompts:
    """Puts constitutions before prompts of one model."""

    render: Render
    encode: Encode
    special_ids: frozenset[int]
    """Tokens that no text beside them can merge with; a constitution may hold none."""
    _heads: dict[str, _Heads] = field(default_factory=dict)
    """By constitution."""

    def guide(self, prompt_T: Tensor, constitution: str) -> Tensor:
        """Return the ids of the prompt (T,) with the constitution as system turn, (T',).

        Raises:
            PromptUnfit: The prompt has another system turn, the chat template has none, or the constitution is empty
                or holds a special token.
        """
        heads = self._find_heads(constitution)
        begins = prompt_T[: len(heads.opening)].tolist()
        if begins != heads.opening:
            raise PromptUnfit(
                f"a prompt begins with the tokens {begins} and the chat template with {heads.opening}: prompts of the "
                "training file must have no system turn of their own; the constitution becomes one"
            )
        return torch.cat([prompt_T.new_tensor(heads.guided), prompt_T[len(heads.plain) :]])

    def move(self, position_T: Tensor, constitution: str) -> Tensor:
        """Return the positions (T,), or (rows, T) for M-RoPE, that belong to the ids of `guide` and what follows them.

        Raises:
            PromptUnfit: The head has other positions than 0, 1, 2, ...
        """
        heads = self._find_heads(constitution)
        before, after = (
            torch.arange(len(ids), dtype=position_T.dtype).expand(*position_T.shape[:-1], -1)
            for ids in (heads.plain, heads.guided)
        )
        first = position_T[..., : len(heads.plain)]
        if not torch.equal(first, before):
            raise PromptUnfit(
                f"the first positions of a prompt are {first.tolist()}, not 0, 1, 2, ...: positions that do not count "
                "on from the text before them cannot be moved"
            )
        shift = len(heads.guided) - len(heads.plain)
        return torch.cat([after, position_T[..., len(heads.plain) :] + shift], dim=-1)

    def _find_heads(self, constitution: str) -> _Heads:
        if constitution not in self._heads:
            self._heads[constitution] = self._make_heads(constitution)
        return self._heads[constitution]

    def _make_heads(self, constitution: str) -> _Heads:
        if not isinstance(constitution, str) or not constitution.strip():
            raise PromptUnfit(
                f"extra_info.constitution is {constitution!r}: every row of the training file needs its text"
            )
        held = self.special_ids.intersection(self.encode(constitution))
        if held:
            raise PromptUnfit(
                f"a constitution holds the special tokens {sorted(held)}: take them out of {constitution!r}"
            )
        system = {"role": "system", "content": constitution}
        asked = [{"role": "user", "content": probe} for probe in _PROBES]
        plain, other = (list(self.encode(self.render([user]))) for user in asked)
        guided, guided_other = (list(self.encode(self.render([system, user]))) for user in asked)
        template = _count_shared(plain, other)
        tail = _count_shared(plain[::-1], guided[::-1])
        cuts = [at for at in range(len(plain) - tail, template) if plain[at] in self.special_ids]
        if not cuts or plain == guided:
            raise PromptUnfit(
                "the chat template does not write the system turn before the user's: CASPO needs a template that does, "
                "as Qwen's"
            )
        cut = cuts[0]
        head = guided[: len(guided) - len(plain) + cut]
        if guided_other[: len(head)] != head or other[:cut] != plain[:cut]:
            raise PromptUnfit("the chat template's system turn depends on what the user asks: it cannot be exchanged")
        opening = plain[: max(cut + 1, template - 1)]  # the last one may merge with what is asked
        return _Heads(plain[:cut], head, opening)


def _count_shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens the two have in common from the start."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
