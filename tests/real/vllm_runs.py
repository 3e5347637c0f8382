"""Workspaces whose runs ask models on vLLM, through proxies that write down every call."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import yaml
from recording_proxy import Exchange, RecordingProxy

CHAT_ENDPOINTS = ("text", "seeing", "answering")
END_OF_TURN = 3002
"""The tiny model's `<|im_end|>`."""
SPACE = "\u0120"
"""How a byte-level vocabulary writes the blank before a word."""
CURATOR = Path(sys.executable).parent / "curator"
SITTING_S = 900
FREE = {"prompt_usd_per_million": 0, "completion_usd_per_million": 0}
LOOSE = {
    "filters": {"query_benignness": 1, "linguistic_naturalness": 1, "contextual_relevance": 1, "risk_clarity": 1,
                "severity": 1},
    "validation": {"image_quality": 1, "semantic_alignment": 1, "evidence_sufficient": 1, "evidence_unambiguous": 1,
                   "evidence_absent": 1},
}  # fmt: skip
"""The least thresholds: with models that know nothing, some scenarios shall go all the way."""
SHORT = {"synthesis": 320, "filters": 250, "grounding": 400, "validation": 400, "refinement": 250}
"""Stage -> tokens at most: a small model that loses its thread is cut, and that is an error of the item."""


def bias_small_model(vocabulary: dict[str, int]) -> dict[str, int]:
    """Make SmolLM2 end its texts early, but leave none empty.

    Left alone it loses its thread in every third reply and writes until it is cut, which takes most of the time.
    """
    quotes = {token: number for token, number in vocabulary.items() if '"' in token}
    never = {str(number): -100 for token, number in quotes.items() if '""' in token}
    sooner = {str(number): 4 for token, number in quotes.items() if not token.lstrip(SPACE).startswith('"')}
    return sooner | never


def bias_random_model(vocabulary: dict[str, int]) -> dict[str, int]:
    """Let random weights end a text after some twenty tokens: half the replies can be read, the others need repair."""
    return {str(vocabulary['"']): 5}


def bias_random_answers(vocabulary: dict[str, int]) -> dict[str, int]:
    """Let random weights write some thirty letters where an answer has no form; left alone they never end it."""
    return {str(number): 100 for number in (*(vocabulary[letter] for letter in ascii_lowercase), END_OF_TURN)}


@dataclass(frozen=True)
class Servers:
    """The two servers, each behind its proxy."""

    text: RecordingProxy
    seeing: RecordingProxy
    text_bias: dict[str, int]
    seeing_bias: dict[str, int]
    """Token -> what is added to its logit."""
    answer_bias: dict[str, int]

    @property
    def arrived(self) -> int:
        return self.text.arrived + self.seeing.arrived

    @property
    def exchanges(self) -> list[Exchange]:
        return [*self.text.exchanges, *self.seeing.exchanges]

    def settle(self) -> None:
        self.text.settle()
        self.seeing.settle()


@dataclass(frozen=True)
class Trial:
    """A workspace and the config of its one run."""

    home: Path
    servers: Servers

    @property
    def folder(self) -> Path:
        return self.home / "runs" / "real"

    def prepare(self, *, pictures: dict[str, Any], scenarios: int, **changes: dict[str, Any]) -> None:
        """Make the workspace, the endpoints file and the config; `changes` go over the stages' settings."""
        subprocess.run([CURATOR, "init"], check=True, env=self._env(), capture_output=True)
        (self.home / "endpoints.yaml").write_text(yaml.safe_dump(self._endpoints(pictures)), "utf-8")
        config: dict[str, Any] = {
            "batch": "real",
            "seed": 21,
            "quotas": {"dependants": scenarios},
            "synthesis": {"examples": 1, "per_call": 1, "temperature": 0.7},
            "dedup_threshold": 0.99,
            "grounding": {"pictures": "mixed", "licence": "CC0-1.0", "candidates": 2},
            "validation": {"temperature": 1.0},
            "refinement_rounds": 2,
            "twin": True,
            "mining": {"targets": ["target"], "temperature": 1.0, "max_tokens": 200},
        }
        for stage, most in SHORT.items():
            asked = {"temperature": 0.7} | config.get(stage, {}) | changes.get(stage, {})
            config[stage] = asked | {"max_tokens": most}
        (self.home / "real.yaml").write_text(yaml.safe_dump(config), "utf-8")

    def import_photo(self, picture: bytes) -> None:
        """Put a photo with its description into the workspace's library."""
        album = self.home / "album"
        album.mkdir()
        (album / "room.png").write_bytes(picture)
        facts = "file,licence,source,author,description\nroom.png,CC-BY-4.0,tests,Ada,A room with a tall window.\n"
        (album / "photos.csv").write_text(facts, "utf-8")
        subprocess.run([CURATOR, "import", "images", album], check=True, env=self._env(), capture_output=True)

    def run(self) -> dict[str, Any]:
        """Run or resume to the end of the sitting; return the report."""
        done = subprocess.run(self._command(), env=self._env(), capture_output=True, text=True, timeout=SITTING_S)
        assert done.returncode == 0, done.stdout + done.stderr
        report: dict[str, Any] = json.loads((self.folder / "report.json").read_text("utf-8"))
        return report

    def run_and_kill(self, *, after: int) -> None:
        """Run or resume, and send SIGKILL when `after` more replies have come back."""
        target = len(self.servers.exchanges) + after
        child = subprocess.Popen(self._command(), env=self._env(), stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + SITTING_S
        try:
            while len(self.servers.exchanges) < target:
                assert child.poll() is None, "the run ended before it was killed"
                assert time.monotonic() < deadline, "the replies did not come"
                time.sleep(0.02)
            time.sleep(0.5)  # so that the reply is in the cache and not only on its way
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
        self.servers.settle()

    def replies_kept(self) -> set[str]:
        """Return the keys of the replies in the run's cache."""
        with sqlite3.connect(self.folder / "cache" / "replies.sqlite") as database:
            return {key for (key,) in database.execute("SELECT key FROM replies")}

    def calls(self) -> list[dict[str, Any]]:
        """Return the ledger's lines about chat calls, those answered from the cache too."""
        lines = [json.loads(line) for line in (self.folder / "ledger.jsonl").read_text("utf-8").splitlines()]
        return [line for line in lines if line["endpoint"] in CHAT_ENDPOINTS]

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "events.jsonl").read_text("utf-8").splitlines()]

    def _command(self) -> list[str | Path]:
        return [CURATOR, "run", self.home / "real.yaml"]

    def _env(self) -> dict[str, str]:
        return os.environ | {"CURATOR_HOME": str(self.home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}

    def _endpoints(self, pictures: dict[str, Any]) -> dict[str, Any]:
        servers = self.servers
        shared = {"kind": "openai", "timeout_s": 600, "max_concurrency": 8, "prices": FREE}
        text = {
            "base_url": servers.text.url,
            "model": "smollm2",
            "extra_body": {"logit_bias": servers.text_bias, "frequency_penalty": 0.2},  # or it goes round in circles
        }
        seeing = {
            "base_url": servers.seeing.url,
            "model": "tiny-vlm",
            "extra_body": {"logit_bias": servers.seeing_bias},
        }
        answering = seeing | {"extra_body": {"logit_bias": servers.answer_bias, "min_tokens": 4}}
        return {
            "endpoints": {
                "text": shared | text,
                "seeing": shared | seeing,
                "answering": shared | answering,
                "pictures": pictures,
                "vectors": {"kind": "sentence_transformers", "device": "cpu"},
            },
            "roles": {
                "generator": [{"endpoint": "text"}],
                **dict.fromkeys(("critic", "rewriter", "text_only_probe"), "text"),
                "validator": "seeing",
                "target": "answering",
                "image": "pictures",
                "embedding": "vectors",
            },
        }
