"""The reward of `caspo.reward_model.server` for verl, asked over HTTP. No torch and no verl, so it can be tried alone.

verl hands pictures to no reward function, and what it sends to a reward model of its own is text only. So
`caspo.verl_plugin.rewards.PictureRewardManager` stands in for verl's reward manager and puts the pictures of the prompt
into `extra_info`, and `compute_score`, which verl takes as a custom reward function, sends them on.
"""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from typing import Any, TypeVar

import aiohttp

from caspo.errors import AnswerRefused, RewardUnavailable

T = TypeVar("T")
PICTURES, QUERY = "pictures", "query"
"""Keys of `extra_info` that the reward manager adds: the pictures' bytes, and the query with `<image>` for each."""
_LONGEST_WAIT_S = 30.0
_seeing: set[str] = set()
"""Servers that this process knows to look at pictures."""


def write_reward_overrides(url: str) -> list[str]:
    """Return the Hydra overrides that let verl ask the server at `url`; several are separated by `|`."""
    return [
        "reward.reward_manager.source=importlib",
        "reward.reward_manager.name=PictureRewardManager",
        "reward.reward_manager.module.path=pkg://caspo.verl_plugin.rewards",
        "reward.custom_reward_function.path=pkg://caspo.verl_rewards",
        "reward.custom_reward_function.name=compute_score",
        f"+reward.custom_reward_function.reward_kwargs.url='{url}'",
    ]


async def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: Mapping[str, Any],
    *,
    url: str = "",
    patience_s: float = 900.0,
    **_: Any,
) -> dict[str, float]:
    """Return the reward of an answer, R + S + E as the reward model foretells it: verl's custom reward function.

    Args:
        data_source: Not looked at.
        solution_str: The answer.
        ground_truth: Not looked at.
        extra_info: With `pictures` and `query`.
        url: Of the server, of several with `|` between them.
        patience_s: How long a server that cannot be reached, or is in trouble, is asked again, and how long it may say
            nothing: longer than it takes for all answers of a step, which come at once.

    Raises:
        AnswerRefused: The server does not rate this answer.
        RewardUnavailable: There is no answer in that time, the server is blind, or the reward manager did not hand over
            the pictures.
    """
    if not url:
        raise RewardUnavailable(
            "no reward server is named; give +reward.custom_reward_function.reward_kwargs.url=http://HOST:PORT"
        )
    pictures: Sequence[bytes] = extra_info.get(PICTURES, ())
    if not pictures:
        raise RewardUnavailable(
            "the reward function got no picture: verl hands over none by itself; give "
            + " ".join(write_reward_overrides(url)[:3])
        )

    async def ask(server: str) -> float:
        if server not in _seeing:
            await _look(server)
        return await _ask(server, extra_info[QUERY], pictures, solution_str, patience_s=patience_s)

    return {"score": await _insist(ask, url.split("|"), patience_s)}


async def check_server(url: str, *, patience_s: float = 60.0) -> dict[str, Any]:
    """Return what the server says of itself, once it was seen to look at pictures.

    Raises:
        RewardUnavailable: It cannot be reached in `patience_s`, is no reward server, or does not look at pictures.
    """
    return await _insist(_look, [url], patience_s)


async def _insist(call: Callable[[str], Awaitable[T]], servers: Sequence[str], patience_s: float) -> T:
    """Return what the first server that can be reached answers; they are tried in turn, from any of them on."""
    deadline, wait_s = time.monotonic() + patience_s, 0.5
    first = random.randrange(len(servers))
    for turn in count(first):
        server = servers[turn % len(servers)]
        try:
            return await call(server)
        except (TimeoutError, aiohttp.ClientError) as exc:
            if time.monotonic() + wait_s > deadline:
                raise RewardUnavailable(
                    f"the reward server {server} gave no answer in {patience_s:g} s ({exc!r}); start it with `curator "
                    "caspo reward-model serve`, see that this machine reaches its host and port, or look into its log"
                ) from exc
        if turn - first + 1 >= len(servers):
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
    raise AssertionError("count() has no end")


async def _look(server: str) -> dict[str, Any]:
    """Return what the server says of itself; one that does not look at pictures is refused."""
    timeout = aiohttp.ClientTimeout(total=120)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"{server.rstrip('/')}/health") as reply,
    ):
        text = await reply.text()
    try:
        told = json.loads(text)
        sees, effect = told["sees_pictures"], told["picture_effect"]
    except (ValueError, KeyError, TypeError) as exc:
        raise RewardUnavailable(
            f"{server}/health says {text[:80]!r}, which is not of a reward server; give its host and port"
        ) from exc
    if not sees:
        raise RewardUnavailable(
            f"the reward server {server} does not look at pictures (another picture changes its reward by {effect}); "
            "serve a model that was trained, and look at `pictures` in its evaluation"
        )
    _seeing.add(server)
    found: dict[str, Any] = told
    return found


async def _ask(server: str, query: str, pictures: Sequence[bytes], answer: str, *, patience_s: float) -> float:
    form = aiohttp.FormData()
    form.add_field("query", query)
    form.add_field("answer", answer)
    for number, picture in enumerate(pictures):
        form.add_field("pictures", picture, filename=f"{number}", content_type="application/octet-stream")
    # A machine that is gone does not say so: without a limit its answers would be waited for for ever.
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=60, sock_read=patience_s)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(f"{server.rstrip('/')}/score", data=form) as reply,
    ):
        if 400 <= reply.status < 500:
            raise AnswerRefused(f"the reward server {server} refused an answer ({reply.status}): {await reply.text()}")
        reply.raise_for_status()
        return float((await reply.json())["score"])
