"""Exact duplicate search: same pairs as brute force, time of a stream, memory, beside sentence-transformers.

    python -m bench.dedup [--stream 100000] [--memory 1000000] [--sample 2048]

Needs the extra `models`. The vectors of the search are made (clusters with planted near-copies). The time that
embedding takes is measured in the same run: the hidden hazards of the few-shot library and the starter scenarios,
`--sample` of them, go through the embedder of an endpoints file that names no model (all-MiniLM-L6-v2 in float32) in
the windows of the stream, and some of them one by one; 100,000 of them would take as long as that rate says. All times
are CPU seconds on one thread, so other work on the machine counts little.

Held to: identical pairs; 100,000 items streamed in at most 1.5 times the embedding's own time (embedding and search
together over embedding alone); 1,000,000 vectors within 2 GB.
"""

import argparse
import importlib.util
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.results_file import write_results
from endpoints.sentence_embeddings import SentenceTransformerEmbeddings
from pipeline.dedup import DuplicateIndex, find_clusters
from pipeline.few_shot_library import load_few_shot
from pipeline.starter.loader import read_starter
from pipeline.taxonomy import load_taxonomy
from pipeline.vector_store import VectorFolder

DIM, THRESHOLD = 384, 0.9
WINDOW, SINGLES, STUCK = 256, 100, 150
MEMORY_LIMIT_BYTES = 2_000_000_000


def make_vectors(count: int, *, seed: int = 0) -> np.ndarray:
    """Return (count, 384) unit vectors: loose clusters, every hundredth row a near-copy of an earlier one."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((max(1, count // 50), DIM), dtype=np.float32)
    vectors = np.empty((count, DIM), dtype=np.float32)
    for start in range(0, count, 10_000):
        stop = min(count, start + 10_000)
        part = centres[rng.integers(len(centres), size=stop - start)]
        part = part + rng.standard_normal(part.shape, dtype=np.float32)
        vectors[start:stop] = part / np.linalg.norm(part, axis=1, keepdims=True)
    for row in range(100, count, 100):
        copy = vectors[rng.integers(row)] + 0.017 * rng.standard_normal(DIM, dtype=np.float32)
        vectors[row] = copy / np.linalg.norm(copy)
    return vectors


def stream(vectors: np.ndarray, batch: int, *, folder: Path | None = None) -> tuple[set[tuple[int, int]], float]:
    """Add all vectors in batches; return the pairs (later, earlier) and the CPU seconds."""
    index = DuplicateIndex(dim=DIM, space="bench", threshold=THRESHOLD, folder=folder)
    found = set()
    started = time.process_time()
    for start in range(0, len(vectors), batch):
        part = vectors[start : start + batch]
        names = [str(i) for i in range(start, start + len(part))]
        found.update((int(match.id), int(match.other_id)) for match in index.add(names, part))
    return found, time.process_time() - started


def compare_with_brute_force(vectors: np.ndarray) -> dict[str, Any]:
    """Compare the pairs with those of one float64 product of everything with everything."""
    found, _ = stream(vectors, 257)
    exact = vectors.astype(np.float64)
    exact = (exact / np.linalg.norm(exact, axis=1, keepdims=True)).astype(np.float32).astype(np.float64)
    wanted = set()
    for start in range(0, len(exact), 2_000):
        i, j = np.nonzero(exact[start : start + 2_000] @ exact.T >= THRESHOLD)
        wanted.update((int(a) + start, int(b)) for a, b in zip(i, j, strict=True) if b < a + start)
    return {"vectors": len(vectors), "pairs": len(wanted), "identical": found == wanted}


def measure_embedding(sample: int) -> dict[str, Any]:
    """Return CPU seconds for one text, in windows as a run embeds them and one by one, by the production endpoint."""
    taxonomy = load_taxonomy()
    written = [entry.hidden_hazard for _, entry in read_starter(taxonomy=taxonomy)]
    written += [example.hidden_hazard for examples in load_few_shot(taxonomy).values() for example in examples]
    distinct = list(dict.fromkeys(written))
    texts = list(itertools.islice(itertools.cycle(distinct), sample))
    embedder = SentenceTransformerEmbeddings(device="cpu")
    embedder.embed(texts[:WINDOW])  # loads the model, and is not counted
    started = time.process_time()
    for start in range(0, sample, WINDOW):
        embedder.embed(texts[start : start + WINDOW])
    batched = time.process_time()
    for text in texts[:SINGLES]:
        embedder.embed([text])
    return {
        "model": embedder.name,
        "texts": sample,
        "distinct": len(distinct),
        "words_each": round(sum(len(text.split()) for text in texts) / sample, 1),
        "cpu_ms_each_in_windows": round(1000 * (batched - started) / sample, 2),
        "cpu_ms_each_one_by_one": round(1000 * (time.process_time() - batched) / SINGLES, 2),
    }


def measure_stream(vectors: np.ndarray, batch: int, embedding: dict[str, Any], *, keep: bool = False) -> dict[str, Any]:
    """Return the time of a stream beside that of embedding it in the same batches."""
    with tempfile.TemporaryDirectory() as folder:
        found, search_s = stream(vectors, batch, folder=Path(folder) if keep else None)
    each_ms = embedding["cpu_ms_each_one_by_one" if batch == 1 else "cpu_ms_each_in_windows"]
    embedding_s = len(vectors) * each_ms / 1000
    return {
        "vectors": len(vectors),
        "batch": batch,
        "kept_on_disk": keep,
        "pairs": len(found),
        "search_cpu_s": round(search_s, 1),
        "embedding_cpu_s_at_measured_rate": round(embedding_s, 1),
        "ratio": round((embedding_s + search_s) / embedding_s, 3),
    }


def fill_folder(folder: Path, count: int) -> None:
    """Write `count` vectors into a folder without searching, as earlier runs would have left them."""
    store = VectorFolder(folder, space="bench", dim=DIM)
    for start in range(0, count, 100_000):
        part = make_vectors(min(100_000, count - start), seed=start + 1)
        with store.lock():
            store.append([str(i) for i in range(start, start + len(part))], part)


def open_and_search(folder: Path, queries: int = 200) -> None:
    """Open the index, search for copies of some rows, and print the peak memory. Runs in a process of its own."""
    started = time.process_time()
    index = DuplicateIndex(dim=DIM, space="bench", threshold=THRESHOLD, folder=folder)
    opened = time.process_time()
    wanted = np.linspace(0, len(index) - 1, queries, dtype=np.int64)
    vectors = index._blocks.take(wanted)
    found = index.add([f"copy-{i}" for i in wanted], vectors)
    searched = time.process_time()
    hit = {(match.id, match.other_id) for match in found}
    print(
        json.dumps(
            {
                "vectors": len(index),
                "open_cpu_s": round(opened - started, 1),
                "search_batched_ms_each": round(1000 * (searched - opened) / queries, 1),
                "every_copy_found": all((f"copy-{i}", index.ids[int(i)]) in hit for i in wanted),
                "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }
        )
    )


def measure_memory(count: int) -> dict[str, Any]:
    """Return what opening and searching `count` stored vectors takes."""
    with tempfile.TemporaryDirectory() as folder:
        fill_folder(Path(folder), count)
        command = [sys.executable, "-m", "bench.dedup", "--open", folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures | {"within_2_gb": figures["peak_bytes"] <= MEMORY_LIMIT_BYTES}


def make_stuck(vectors: np.ndarray) -> np.ndarray:
    """Return the vectors with a generator in them that said nearly the same STUCK times."""
    changed = vectors.copy()
    near = vectors[0] + 0.01 * np.random.default_rng(1).standard_normal((STUCK, DIM), dtype=np.float32)
    changed[1_000 : 1_000 + STUCK] = near / np.linalg.norm(near, axis=1, keepdims=True)
    return changed


def compare_with_sentence_transformers(vectors: np.ndarray) -> dict[str, Any]:
    """Return pairs, clusters and CPU seconds of its two functions (defaults but for the threshold) and of ours."""
    import torch
    from sentence_transformers import util

    started = time.process_time()
    index = DuplicateIndex(dim=DIM, space="bench", threshold=THRESHOLD)
    matches = [
        match
        for start in range(0, len(vectors), 1_024)
        for match in index.add(
            [str(i) for i in range(start, min(start + 1_024, len(vectors)))], vectors[start : start + 1_024]
        )
    ]
    found = time.process_time()
    clusters = find_clusters(matches)
    clustered = time.process_time()
    ours = {(int(match.id), int(match.other_id)) for match in matches}
    tensor = torch.from_numpy(vectors)
    mining = time.process_time()
    mined = util.paraphrase_mining_embeddings(tensor)
    mined_s = time.process_time() - mining
    pairs = {(max(i, j), min(i, j)) for score, i, j in mined if score >= THRESHOLD}
    detecting = time.process_time()
    communities = util.community_detection(tensor, threshold=THRESHOLD, min_community_size=2)
    detected_s = time.process_time() - detecting
    return {
        "vectors": len(vectors),
        "ours": {
            "pairs": len(ours),
            "clusters": len(clusters),
            "pairs_cpu_s": round(found - started, 2),
            "clusters_cpu_s": round(clustered - found, 2),
        },
        "paraphrase_mining": {
            "pairs": len(pairs),
            "missed": len(ours - pairs),
            "not_ours": len(pairs - ours),
            "cpu_s": round(mined_s, 2),
        },
        "community_detection": {
            "communities": len(communities),
            "items_in_clusters_of_ours_only": len(
                {int(name) for cluster in clusters for name in cluster.members}
                - {int(row) for community in communities for row in community}
            ),
            "cpu_s": round(detected_s, 2),
        },
    }


def measure_all(given: argparse.Namespace) -> dict[str, Any]:
    """Return all figures."""
    memory = measure_memory(given.memory)  # first: a child's peak is never below its parent's
    import torch

    torch.set_num_threads(1)
    embedding = measure_embedding(given.sample)
    vectors = make_vectors(given.stream)
    return {
        "embedding": embedding,
        "brute_force": compare_with_brute_force(vectors[:20_000]),
        "stream": measure_stream(vectors, WINDOW, embedding),
        "stream_kept_on_disk": measure_stream(vectors, WINDOW, embedding, keep=True),
        "one_by_one_kept_on_disk": measure_stream(vectors[: given.stream // 10], 1, embedding, keep=True),
        "memory": memory,
        "sentence_transformers": compare_with_sentence_transformers(vectors[:10_000]),
        "sentence_transformers_stuck": compare_with_sentence_transformers(make_stuck(vectors[:10_000])),
    }


def main() -> int:
    """Measure, print, keep; return 1 when a figure misses what it is held to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stream", type=int, default=100_000)
    parser.add_argument("--memory", type=int, default=1_000_000)
    parser.add_argument("--sample", type=int, default=2_048)
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.open:
        open_and_search(given.open)
        return 0
    if importlib.util.find_spec("sentence_transformers") is None:
        print("bench.dedup measures beside sentence-transformers, which is not installed: run `make setup-models`")
        return 2
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        figures = measure_all(given)
    held = (
        figures["brute_force"]["identical"]
        and figures["stream"]["ratio"] <= 1.5
        and figures["stream_kept_on_disk"]["ratio"] <= 1.5
        and figures["memory"]["within_2_gb"]
        and figures["memory"]["every_copy_found"]
    )
    print(json.dumps(figures, indent=1))
    print("held:", held, "| kept in", write_results("dedup", {"held": held, **figures}))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
