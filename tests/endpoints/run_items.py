"""A run of many calls in a process of its own, to be killed: `python run_items.py URL FOLDER ITEMS`.

Appends the key of every reply that it was given to FOLDER/given.txt.
"""

import asyncio
import os
import sys
from pathlib import Path

from endpoints.cache import DiskCache
from endpoints.chat import OpenAIChat
from endpoints.ledger import Ledger
from endpoints.limiter import AdaptiveLimiter
from endpoints.messages import ChatRequest, Message
from endpoints.resilient import Resilient, RetryPolicy


def make_request(key: str) -> ChatRequest:
    return ChatRequest((Message("user", (key,)),), max_tokens=50, seed=1)


def open_endpoint(url: str, folder: Path) -> Resilient:
    chat = OpenAIChat(name="near", model="m", base_url=url, timeout_s=30)
    retry = RetryPolicy(first_delay_s=0.01, longest_delay_s=0.05)
    cache, ledger = DiskCache(folder / "cache"), Ledger(folder / "ledger.jsonl")
    return Resilient(chat, cache=cache, ledger=ledger, limiter=AdaptiveLimiter(maximum=16), retry=retry, role="r")


async def run(url: str, folder: Path, count: int) -> None:
    endpoint = open_endpoint(url, folder)
    given = os.open(folder / "given.txt", os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    async def ask(key: str) -> None:
        reply = await endpoint.complete(make_request(key))
        assert reply.text == f"answer to {key}"
        os.write(given, f"{key}\n".encode())

    await asyncio.gather(*(ask(f"item {number}") for number in range(count)))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
