"""Key press to the next item's picture painted, in a real Chromium, beside the same flow from plain Gradio components.

    python -m bench.review_latency [--items 100000] [--decisions 100] [--rounds 3] [--background 20]

While the browser decides, background annotators claim, fetch the picture, think for 3 s and submit, over HTTP, to the
same server. Each screen is measured on a database of its own with the same content; ours also at 1,000 items. The three
take turns, so that a slow minute of the machine does not fall on one alone; the percentiles are over all rounds.
"""

import argparse
import http.client
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from playwright.sync_api import Page, sync_playwright

from bench.big_database import add_pictures, fill
from bench.claims import Client, curator_pair
from bench.results_file import percentile, write_results
from bench.servers import add_annotators, free_port, make_workspace, run_child, serve_curator
from storage.accounts import make_link

THINK_S = 3.0
PAUSE_MS = 400
"""Between two key presses in the browser: fast, but a person's."""

MEASURE = """
async ([textSelector, imageSelector]) => {
  const text = () => document.querySelector(textSelector)?.textContent ?? '';
  const image = () => document.querySelector(imageSelector);
  const before = { text: text(), src: image()?.currentSrc };
  const pressed = new Promise((done) => addEventListener('keydown', (event) => done(event.timeStamp),
    { once: true, capture: true }));
  const frame = () => new Promise(requestAnimationFrame);
  window.measured = pressed.then(async (start) => {
    for (;;) {
      await frame();
      const now = image();
      if (text() !== before.text && now && now.currentSrc !== before.src && now.complete && now.naturalWidth) break;
      // About one item in ninety has the picture of the one before it: no change can be seen, so it is left out.
      if (text() !== before.text && performance.now() - start > 5000) return null;
    }
    // This runs before the frame that holds it is drawn; a message is delivered after it.
    await new Promise((drawn) => {
      const channel = new MessageChannel();
      channel.port1.onmessage = drawn;
      channel.port2.postMessage(null);
    });
    return performance.now() - start;
  });
}
"""


def prepare(home: Path, *, items: int, people: int) -> tuple[list[str], str]:
    """Make a workspace with pictured items; return the people's tokens and a sign-in link for the browser."""
    workspace = make_workspace(home=home)
    groundings = add_pictures(workspace)
    fill(db=workspace.db, items=items, overlap=2, groundings=groundings)
    tokens = add_annotators(workspace, people + 1)
    with workspace.db.write() as session:
        link = make_link(session=session, name="annotator0", ttl=timedelta(hours=2), actor="bench")
        session.commit()
    workspace.close()
    return tokens[1:], link


@contextmanager
def background(work: Callable[[int, threading.Event], None], people: int) -> Iterator[list[str]]:
    """Run `work` for each person until the block ends; yields the list of errors."""
    stop, errors = threading.Event(), []

    def guarded(number: int) -> None:
        stop.wait(random.Random(number).uniform(0, THINK_S))
        try:
            work(number, stop)
        except Exception as exc:  # any failure of the load makes the figures worthless
            errors.append(f"{type(exc).__name__}: {exc}")

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(people)]
    for thread in threads:
        thread.start()
    yield errors
    stop.set()
    for thread in threads:
        thread.join()


def curator_annotator(address: str, tokens: list[str]) -> Callable[[int, threading.Event], None]:
    """Return the background annotator of our server."""
    pair = curator_pair()

    def work(number: int, stop: threading.Event) -> None:
        client = Client(address, tokens[number])
        while not stop.wait(THINK_S):
            pair(client)

    return work


def gradio_annotator(address: str) -> Callable[[int, threading.Event], None]:
    """Return the background annotator of the plain app: its queue, its event stream, its picture."""
    host = urlparse(address).netloc

    def work(number: int, stop: threading.Event) -> None:
        connection = http.client.HTTPConnection(host, timeout=120)
        functions = {d["api_name"]: d["id"] for d in _get_json(connection, "/config")["dependencies"]}
        session = uuid.uuid4().hex[:12]
        _queue(connection, session, functions["start"], [])
        while not stop.wait(THINK_S):
            outputs = _queue(connection, session, functions["approve"], [None, None])
            connection.request("GET", f"/gradio_api/file={outputs[-1]['path']}")
            connection.getresponse().read()

    return work


def _get_json(connection: http.client.HTTPConnection, path: str) -> Any:
    connection.request("GET", path)
    return json.loads(connection.getresponse().read())


def _queue(connection: http.client.HTTPConnection, session: str, function: int, data: list[Any]) -> list[Any]:
    """Send one event through the queue and return its outputs."""
    body = json.dumps({"data": data, "fn_index": function, "session_hash": session, "event_data": None})
    connection.request("POST", "/gradio_api/queue/join", body, {"Content-Type": "application/json"})
    connection.getresponse().read()
    connection.request("GET", f"/gradio_api/queue/data?session_hash={session}")
    answer = connection.getresponse()
    outputs: list[Any] | None = None
    for line in answer:
        if line.startswith(b"data:"):
            message = json.loads(line[5:])
            if message["msg"] == "process_completed":
                if not message["success"]:
                    raise RuntimeError(str(message["output"]))
                outputs = message["output"]["data"]
            if message["msg"] == "close_stream":
                break
    answer.read()
    if outputs is None:
        raise RuntimeError("the stream ended without a result")
    return outputs


def decide(page: Page, *, text: str, image: str, decisions: int) -> list[float]:
    """Press A `decisions` times; return the latencies in ms."""
    latencies = []
    for number in range(decisions + 5):
        page.wait_for_timeout(PAUSE_MS)
        page.evaluate(MEASURE, [text, image])
        page.keyboard.press("a")
        measured = page.evaluate("window.measured")
        if number >= 5 and measured is not None:  # the first few warm everything up
            latencies.append(measured)
    return latencies


def summarize(latencies: list[float]) -> dict[str, float]:
    """Return the number of latencies and their percentiles in ms."""
    return {
        "decisions": len(latencies),
        "ms_p50": round(percentile(latencies, 0.5), 1),
        "ms_p95": round(percentile(latencies, 0.95), 1),
        "ms_max": round(max(latencies), 1),
    }


@contextmanager
def browser_page() -> Iterator[Page]:
    """Yield a page of a headless Chromium."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser.new_page(viewport={"width": 1440, "height": 900})
        browser.close()


def measure_ours(folder: Path, *, items: int, decisions: int, people: int) -> list[float]:
    """Measure our review screen."""
    home = folder / f"ours-{items}"
    tokens, link = prepare(home, items=items, people=people)
    with serve_curator(home=home) as address, browser_page() as page:
        page.goto(f"{address}/link/{link}")
        page.locator("button[type=submit]").click()
        page.locator("[data-part=warning-start]").click()
        page.locator("[data-part=picture] img").wait_for()
        with background(curator_annotator(address, tokens), people) as errors:
            page.wait_for_timeout(THINK_S * 1000)
            latencies = decide(page, text="[data-part=query]", image="[data-part=picture] img", decisions=decisions)
        _check(errors)
    return latencies


def measure_plain(folder: Path, *, items: int, decisions: int, people: int) -> list[float]:
    """Measure the plain Gradio screen."""
    home = folder / f"plain-{items}"
    prepare(home, items=items, people=people)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "bench.plain_gradio", "--home", str(home), "--port", str(port)]
    env = {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": str(home / "tmp")}
    log = home / "plain.log"
    with run_child(command, env=env, ready_url=address, log=log, patience_s=120), browser_page() as page:
        page.goto(address)
        page.locator("#picture img").wait_for()
        with background(gradio_annotator(address), people) as errors:
            page.wait_for_timeout(THINK_S * 1000)
            latencies = decide(page, text="#query", image="#picture img", decisions=decisions)
        _check(errors)
    return latencies


def _check(errors: list[str]) -> None:
    if errors:
        raise RuntimeError(f"{len(errors)} background annotators failed, the first with: {errors[0]}")


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--decisions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--background", type=int, default=20)
    options = parser.parse_args()
    shared = {"decisions": options.decisions, "people": options.background}
    figures: dict[str, Any] = {
        "settings": shared | {"items": options.items, "think_s": THINK_S, "pause_ms": PAUSE_MS, "overlap": 2}
    }
    figures["settings"]["rounds"] = options.rounds
    screens = {
        "curator_1000": (measure_ours, 1000),
        "curator": (measure_ours, options.items),
        "plain_gradio": (measure_plain, options.items),
    }
    latencies: dict[str, list[float]] = {key: [] for key in screens}
    started = time.monotonic()
    for number in range(options.rounds):
        for key, (measure, items) in screens.items():
            with tempfile.TemporaryDirectory() as name:
                latencies[key] += measure(Path(name), items=items, **shared)
            print(f"round {number + 1}  {key:<14} {summarize(latencies[key])}  ({time.monotonic() - started:.0f} s)")
    figures |= {key: summarize(values) for key, values in latencies.items()}
    ours, plain, small = (figures[key]["ms_p95"] for key in ("curator", "plain_gradio", "curator_1000"))
    figures["p95_ratio_to_plain_gradio"] = round(ours / plain, 3)
    figures["p95_ratio_to_1000_items"] = round(ours / small, 2)
    print(f"p95 over plain Gradio's: {figures['p95_ratio_to_plain_gradio']} (held to at most 0.2)")
    print(f"p95 over that at 1,000 items: {figures['p95_ratio_to_1000_items']} (held to at most 1.3)")
    print("kept in", write_results("review_latency", figures))


if __name__ == "__main__":
    main()
