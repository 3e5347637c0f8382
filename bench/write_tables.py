"""Writes the tables of three pages of docs from bench/results: `python -m bench.write_tables`."""

import json
from pathlib import Path
from typing import Any

from bench.wind_tunnel_tables import write_tuning, write_wind_tunnel

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"


def _verdict(share: float, least: float) -> str:
    return "reached" if share >= least else "not reached"


def read(name: str) -> dict[str, Any]:
    """Return the kept figures of a benchmark."""
    figures: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return figures


def write_calls() -> list[str]:
    """Return the table of the model calls, or nothing where that benchmark has not been run."""
    if not (RESULTS / "endpoint_throughput.json").exists():
        return []
    calls = read("endpoint_throughput")
    changing = calls["changing_slots"]["share_of_ideal"]
    return [
        f"| {calls['calls']:,} model calls, {calls['slots']} slots of {calls['latency_s']} s | calls per second "
        "| of the ideal | CPU per call |",
        "| --- | --- | --- | --- |",
        *(
            f"| {title} | {calls[key]['calls_per_s']} | {calls[key]['share_of_ideal']:.1%} | "
            f"{calls[key]['cpu_s'] / calls['calls'] * 1000:.1f} ms |"
            for title, key in (
                ("ours, which finds out the slots", "ours"),
                ("openai client, semaphore of 64", "openai_gather_semaphore"),
                ("inspect_ai, 64 connections", "inspect_ai"),
                ("aiohttp alone, 64 loops", "bare_aiohttp"),
            )
            if "elapsed_s" in calls.get(key, {})
        ),
        "",
        f"Ours is held to at least 95% of the ideal: {_verdict(calls['ours']['share_of_ideal'], 0.95)}. "
        f"With slots that change from 64 to 16 and back it answered **{changing:.1%}** of the ideal "
        f"(held to at least 85%: {_verdict(changing, 0.85)}).",
        "",
    ]


def write_judging() -> list[str]:
    """Return the tables of judge runs: of every part of that benchmark that has been run."""
    if not (RESULTS / "judge_throughput.json").exists():
        return []
    figures = read("judge_throughput")
    return [
        *(_write_judgments(figures["rate"]) if "rate" in figures else []),
        *(_write_reports(figures["report"]) if "report" in figures else []),
        *(_write_memory(figures["memory"]) if "memory" in figures else []),
    ]


def _write_judgments(rate: dict[str, Any]) -> list[str]:
    settings = rate["settings"]
    lines = [
        f"| {settings['judgments']:,} judgments, {settings['slots']} slots of {settings['latency_s']} s | a second "
        "| of the ideal | calls alone | CPU a judgment |",
        "| --- | --- | --- | --- | --- |",
    ]
    for title, key in (("`curator score`", "ours"), ("inspect_ai, the same requests", "inspect_ai")):
        one = rate["contenders"][key]
        if "elapsed_s" in one:
            lines.append(
                f"| {title} | {one['judgments_per_s']} | {one['share_of_ideal']:.1%} | "
                f"{one['share_of_ideal_calls_only']:.1%} | {one['cpu_s'] / settings['judgments'] * 1000:.1f} ms |"
            )
    reached = "reached" if rate["held"]["share_of_ideal"] else "not reached"
    return [*lines, "", f"Calls alone are held to at least 95% of the ideal: {reached}.", ""]


def _write_reports(report: dict[str, Any]) -> list[str]:
    sizes = report["by_judgments"]
    reached = "reached" if report["held"]["cpu_of_the_largest_within_s"] else "not reached"
    return [
        "| `curator report` over | CPU | highest memory |",
        "| --- | --- | --- |",
        *(
            f"| {int(size):,} judgments | {one['cpu_s']} s | {one['mib_peak']:,.0f} MiB |"
            for size, one in sizes.items()
        ),
        "",
        f"The largest is held to 10 s of CPU: {reached}. An answer more takes {report['bytes_an_answer']:,} bytes.",
        "",
    ]


def _write_memory(memory: dict[str, Any]) -> list[str]:
    answer, score = memory["answer"], memory["score"]
    return [
        "| highest memory over | `curator respond` | `curator score` |",
        "| --- | --- | --- |",
        *(
            f"| {int(size):,} items | {one['mib_peak']:,.0f} MiB | {score['by_items'][size]['mib_peak']:,.0f} MiB |"
            for size, one in answer["by_items"].items()
        ),
        "",
        f"An item more takes {answer['bytes_an_item']:,} and {score['bytes_an_item']:,} bytes.",
        "",
    ]


def write_objective() -> list[str]:
    """Return the table of the CASPO objective, or nothing where that benchmark has not been run."""
    if not (RESULTS / "objective.json").exists():
        return []
    objective = read("objective")
    batch, copy = objective["settings"], objective["copy"]
    shape = f"{batch['groups']} x {batch['size']} trajectories of {batch['tokens']:,} tokens"
    lines = [
        f"| objective, {shape} | CPU | over the copy | peak memory | over the copy |",
        "| --- | --- | --- | --- | --- |",
    ]
    for title, key in (
        ("a copy of its inputs", "copy"),
        ("Eq. 4 and 5: the advantage", "advantage"),
        ("Eq. 4 to 6 with KL and gradient", "whole"),
        ("the advantage, looping over prompts", "loop_over_groups"),
        ("the advantage, looping over tokens", "loop_over_tokens"),
    ):
        seconds, size = objective[key]["cpu_s"], objective[key]["peak_bytes"]
        lines.append(
            f"| {title} | {1000 * seconds:,.0f} ms | {seconds / copy['cpu_s']:.1f} | {size / 2**20:,.0f} MiB "
            f"| {size / copy['peak_bytes']:.1f} |"
        )
    return [*lines, ""]


def write_tables() -> str:
    """Return the tables as Markdown."""
    latency, claims, imports = read("review_latency"), read("claims"), read("import_cost")
    lines = [
        "| key press to next picture | p50 | p95 | max |",
        "| --- | --- | --- | --- |",
        *(
            f"| {title} | {latency[key]['ms_p50']} ms | {latency[key]['ms_p95']} ms | {latency[key]['ms_max']} ms |"
            for title, key in (
                ("1,000 items", "curator_1000"),
                (f"{latency['settings']['items']:,} items", "curator"),
                ("plain Gradio, as many items", "plain_gradio"),
            )
        ),
        "",
        f"p95 over plain Gradio's: **{latency['p95_ratio_to_plain_gradio']}** (held to at most 0.2); over its own at "
        f"1,000 items: **{latency['p95_ratio_to_1000_items']}** (held to at most 1.3).",
        "",
        "| claim + submit, 50 clients | pairs per second | p50 | p95 |",
        "| --- | --- | --- | --- |",
        *(
            f"| {title} | {pairs['pairs_per_s']} | {pairs['pair_ms_p50']} ms | {pairs['pair_ms_p95']} ms |"
            for title, pairs in (
                ("SQLite", claims["sqlite"]),
                ("PostgreSQL", claims["postgresql"]),
                ("Label Studio 1.23.2", claims["label_studio"]),
            )
        ),
        "",
        f"Over Label Studio: SQLite **{claims['ratio_to_label_studio']['sqlite']}**, PostgreSQL "
        f"**{claims['ratio_to_label_studio']['postgresql']}** (held to at least 10).",
        "",
        *write_calls(),
        *write_judging(),
        *write_objective(),
        f"`import curator_app`: {imports['import_curator_app']['cpu_s_p50']} s CPU; "
        f"`curator --help`: {imports['curator_help']['cpu_s_p50']} s; "
        f"`import gradio` alone: {imports['import_gradio']['cpu_s_p50']} s.",
    ]
    return "\n".join(lines) + "\n"


def write_labelstudio() -> str:
    """Return the table of pulls from Label Studio beside exports, or nothing where that benchmark has not been run."""
    if not (RESULTS / "labelstudio_sync.json").exists():
        return ""
    figures = read("labelstudio_sync")
    median = figures["median_share"]
    lines = [
        f"| {figures['changes']:,} changes among {figures['tasks']:,} tasks | `curator labelstudio pull` "
        "| the SDK's export of everything | share |",
        "| --- | --- | --- | --- |",
        *(
            f"| round {place} | {each['pull_s']:.1f} s | {each['export_s']:.1f} s | {each['share']:.1%} |"
            for place, each in enumerate(figures["rounds"], start=1)
        ),
        "",
        f"A pull is held to at most a tenth of the export's time: {_verdict(0.1, median)}, **{median:.1%}** "
        "in the median.",
        f"Pushing the {figures['tasks']:,} tasks took {figures['push_s']:.0f} s; the first pull, before anybody had "
        f"answered, {figures['first_pull_s']:.1f} s.",
    ]
    return "\n".join(lines) + "\n"


def list_pages() -> dict[tuple[Path, str], str]:
    """Return what stands between the marks of a name in each page."""
    tunnel = PAGE.with_name("wind-tunnel.md")
    return {
        (PAGE, "tables"): write_tables(),
        (PAGE.with_name("label-studio.md"), "pulls"): write_labelstudio(),
        (tunnel, "arms"): write_wind_tunnel(read("wind_tunnel")),
        (tunnel, "tuning"): write_tuning(read("wind_tunnel_tuning")),
    }


def main() -> None:
    """Put the tables between their marks."""
    for (page, name), tables in list_pages().items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        text = page.read_text(encoding="utf-8")
        before, _, rest = text.partition(begin)
        page.write_text(before + begin + tables + end + rest.partition(end)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
