"""How near our calls come to what a server can do, beside bare HTTP, the plain openai client and inspect_ai.

A local server answers each call after 200 ms and takes 64 at once, so the ideal is 320 calls a second; above that it
refuses with 429. Then the same with slots that change from 64 to 16 and back while the run goes on. Contenders run one
after another against the same server, each on uvloop, with `gc.freeze` before it and rarer collections. inspect_ai
runs in an environment of its own (`bench/.inspect-ai`) if that can be made. Bare HTTP is a loop on aiohttp that keeps
exactly 64 calls under way, builds nothing and keeps nothing: what it reaches, this machine and the server can do.
Run: `python -m bench.endpoint_throughput [--calls 5000]`.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import openai

from bench.results_file import write_results
from bench.servers import free_port, run_child
from endpoints import event_loop
from endpoints.cache import DiskCache
from endpoints.chat import OpenAIChat
from endpoints.ledger import Ledger
from endpoints.limiter import AdaptiveLimiter
from endpoints.messages import ChatRequest, Message
from endpoints.resilient import Resilient

ROOT = Path(__file__).parents[1]
SERVER = ROOT / "tests" / "endpoints" / "faulty_server.py"
INSPECT = Path(__file__).parent / ".inspect-ai"
INSPECT_VERSION = "0.3.285"
LATENCY_S, SLOTS, FEW_SLOTS, PHASE_S = 0.2, 64, 16, 10.0
PROMPT = "Describe the picture in one sentence and name what could go wrong. " * 5

INSPECT_PROGRAM = """
import asyncio, gc, json, sys, time
import uvloop
from inspect_ai.model import GenerateConfig, get_model
url, calls, slots, prompt = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
async def run():
    config = GenerateConfig(max_connections=slots, max_tokens=64, temperature=0.0)
    model = get_model("openai/m", base_url=url, api_key="none", config=config, responses_api=False)
    await model.generate("warm up")
    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(model.generate(f"call {n}\\n{prompt}") for n in range(calls)))
    print(json.dumps({"elapsed_s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}))
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 50, 10)
uvloop.run(run())
"""


async def run_ours(url: str, calls: int, folder: Path) -> dict[str, Any]:
    """Call with everything on (cache, ledger, adaptive limit); nobody told it the number of slots."""
    chat = OpenAIChat(name="bench", model="m", base_url=url)
    limiter = AdaptiveLimiter(maximum=256)
    ledger = Ledger(folder / "ledger.jsonl")
    endpoint = Resilient(chat, cache=DiskCache(folder / "cache"), ledger=ledger, limiter=limiter, role="bench")
    await chat.complete(make_request("warm up"))
    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(endpoint.complete(make_request(f"call {n}")) for n in range(calls)))
    figures = {"elapsed_s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}
    await chat.aclose()
    ledger.close()
    return figures | {"refused": ledger.total.failed, "limit_at_the_end": limiter.limit}


async def run_plain(url: str, calls: int) -> dict[str, Any]:
    """Call the openai client under gather and a semaphore of the right size, with its own retries."""
    client = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=20)
    slots = asyncio.Semaphore(SLOTS)

    async def ask(number: int) -> None:
        async with slots:
            messages: Any = make_messages(number)
            await client.chat.completions.create(model="m", messages=messages, max_tokens=64, temperature=0.0)

    await ask(-1)
    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(ask(number) for number in range(calls)))
    figures = {"elapsed_s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}
    await client.close()
    return figures


async def run_bare(url: str, calls: int) -> dict[str, Any]:
    """Send the same bodies with aiohttp alone, from 64 loops of which each waits for its reply's JSON."""
    numbers = iter(range(calls))

    async def work(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            body = {"model": "m", "messages": make_messages(number), "max_tokens": 64, "temperature": 0.0}
            async with session.post(f"{url}/chat/completions", json=body) as response:
                response.raise_for_status()
                await response.json()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=SLOTS)) as session:
        started, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(work(session) for _ in range(SLOTS)))
        return {"elapsed_s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}


def run_inspect(url: str, calls: int) -> dict[str, Any]:
    """Call through inspect_ai with max_connections of the right size; says why when it cannot run."""
    return run_inspect_program(INSPECT_PROGRAM, url, str(calls), str(SLOTS), PROMPT)


def run_inspect_program(program: str, *words: str) -> dict[str, Any]:
    """Run a program in inspect_ai's environment, made on first use; return the JSON of its last line.

    Where that cannot be done the answer is `{"absent": why}`.
    """
    python = INSPECT / "env" / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(INSPECT / "env")], check=True)
            install = [str(python), "-m", "pip", "install", "-q", f"inspect_ai=={INSPECT_VERSION}", "openai", "uvloop"]
            subprocess.run(install, check=True)
        command = [str(python), "-c", program, *words]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=1200)
    except (subprocess.SubprocessError, OSError) as exc:
        reason = (getattr(exc, "stderr", "") or str(exc)).strip()[-500:]
        return {"absent": f"inspect_ai could not be run here: {reason}"}
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


async def run_changing(url: str, folder: Path) -> dict[str, Any]:
    """Call for three phases with 64, 16 and 64 slots; return what was answered beside the ideal, by phase."""
    base = url.removesuffix("/v1")
    chat = OpenAIChat(name="bench", model="m", base_url=url)
    endpoint = Resilient(chat, cache=DiskCache(folder / "cache"), limiter=AdaptiveLimiter(maximum=256), role="bench")
    numbers = iter(range(10**9))
    stopping = False

    async def work() -> None:
        while not stopping:
            await endpoint.complete(make_request(f"call {next(numbers)}"))

    phases = []
    async with httpx.AsyncClient() as control:
        workers = [asyncio.create_task(work()) for _ in range(256)]
        for slots in (SLOTS, FEW_SLOTS, SLOTS):
            before = (await control.post(f"{base}/slots", json={"slots": slots})).json()
            started = time.perf_counter()
            await asyncio.sleep(PHASE_S)
            after = (await control.get(f"{base}/stats")).json()
            ideal = slots / LATENCY_S * (time.perf_counter() - started)
            answered = after["replies"] - before["replies"]
            refused = after["faults"].get("RATE_LIMITED", 0) - before["faults"].get("RATE_LIMITED", 0)
            phases.append({"slots": slots, "answered": answered, "ideal": round(ideal), "refused": refused})
        stopping = True
        await asyncio.gather(*workers)
    await chat.aclose()
    share = sum(phase["answered"] for phase in phases) / sum(phase["ideal"] for phase in phases)
    return {"phases": phases, "share_of_ideal": round(share, 4)}


def make_messages(number: int) -> list[dict[str, str]]:
    """Return the messages that `make_request` asks with, as the server reads them."""
    return [{"role": "user", "content": f"call {number}\n{PROMPT}"}]


def make_request(name: str) -> ChatRequest:
    """Return a request that no other name's equals."""
    return ChatRequest((Message("user", (f"{name}\n{PROMPT}",)),), max_tokens=64)


def main() -> None:
    """Run the contenders and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5000)
    calls = parser.parse_args().calls
    load = round(os.getloadavg()[0], 2)  # other work on the machine takes from every contender
    port = free_port()
    command = [sys.executable, str(SERVER), "--port", str(port), "--latency", str(LATENCY_S), "--slots", str(SLOTS)]
    url, ready = f"http://127.0.0.1:{port}/v1", f"http://127.0.0.1:{port}/stats"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with run_child(command, env={}, ready_url=ready, log=folder / "server.log", patience_s=30):
            contenders = {
                "ours": event_loop.run(run_ours(url, calls, folder / "fixed")),
                "openai_gather_semaphore": event_loop.run(run_plain(url, calls)),
                "inspect_ai": run_inspect(url, calls),
                "bare_aiohttp": event_loop.run(run_bare(url, calls)),
            }
            changing = event_loop.run(run_changing(url, folder / "changing"))
    ideal_s = calls * LATENCY_S / SLOTS
    for contender in contenders.values():
        if "elapsed_s" in contender:
            contender["calls_per_s"] = round(calls / contender["elapsed_s"], 1)
            contender["share_of_ideal"] = round(ideal_s / contender["elapsed_s"], 4)
    settings = {"calls": calls, "latency_s": LATENCY_S, "slots": SLOTS, "load_before": load}
    figures = {**settings, **contenders, "changing_slots": changing}
    print(json.dumps(figures, indent=1))
    print(f"written to {write_results('endpoint_throughput', figures)}")


if __name__ == "__main__":
    main()
