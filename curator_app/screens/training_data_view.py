"""The page of training data as HTML. Pure functions of plain data; what people wrote is escaped here.

It is navigated by ordinary links: `?run=NAME`, a name of training data.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from html import escape

from curator_app.actions.training_data_jobs import DataAsked
from curator_app.actions.training_reading import DataView
from curator_app.screens.frame import make_link, wrap_page
from curator_app.screens.job_view import render_head, render_output, render_state, render_tiles, render_told

ROUTE = "/training-data"
FILES = (
    ("train", "Prompts"), ("val", "Held out"), ("sft", "SFT answers"), ("preferences", "Preference pairs"),
    ("reward_pairs", "Reward pairs"), ("reward_scores", "Reward scores"),
)  # fmt: skip


link = partial(make_link, ROUTE)
render_page = partial(wrap_page, "cu-flow cu-runs cu-training")


def render_list(views: Sequence[DataView], *, releases: bool) -> str:
    """Return all training data. `releases` says whether there is a release that may be trained on."""
    count = f"{len(views):,} {'folder' if len(views) == 1 else 'folders'} of training data."
    live = sum(view.is_live for view in views)
    more = f"{live:,} being prepared." if live else ""
    head = f'<h1 class="cu-say" tabindex="-1">{count if views else "No training data yet."} <span>{more}</span></h1>'
    about = render_told(
        "Training data is made out of releases and scored judge runs. What repeats a benchmark of this workspace is "
        "refused. Its constitutions are those in use at that moment."
    )
    lack = (
        ""
        if releases
        else '<p class="cu-lead">There is no release to train on yet: freeze one of the split train on the '
        '<a href="/releases">Releases page</a>. Benchmarks are never trained on.</p>'
    )
    then = '<p class="cu-lead">Choose a release below to make the first.</p>' if releases and not views else ""
    return f"<section>{head}{about}{lack}{then}{_render_table(views) if views else ''}</section>"


def _render_table(views: Sequence[DataView]) -> str:
    rows = "".join(
        f'<tr><th scope="row"><a href="{link(run=view.name)}">{escape(view.name)}</a></th><td>{_show_state(view)}</td>'
        f'<td class="cu-num">{view.count("train"):,}</td><td class="cu-num cu-when">{view.count("val"):,}</td>'
        f'<td class="cu-when">{escape(", ".join(view.sources)) or "–"}</td>'
        f"<td>{_show_constitutions(view)}</td></tr>"
        for view in views
    )
    return (
        '<div class="cu-scroll"><table class="cu-table"><thead><tr><th scope="col">Name</th><th scope="col">State</th>'
        '<th scope="col" class="cu-num">Prompts</th><th scope="col" class="cu-num cu-when">Held out</th>'
        '<th scope="col" class="cu-when">Out of</th><th scope="col">Constitutions</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _show_state(view: DataView) -> str:
    if view.manifest is not None and not view.is_live:
        return "ready"
    return render_state(view.job.state) if view.job else "–"


def _show_constitutions(view: DataView) -> str:
    if view.manifest is None:
        return "–"
    return "those in use" if view.current else "older, or others"


def render_data_head(view: DataView) -> str:
    """Return what stands above the buttons: name, state and why, what is in it."""
    tiles = [(title, f"{view.count(name):,}", "") for name, title in FILES if view.count(name) or name == "train"]
    if view.is_live and view.job:
        progress = view.job.progress
        tiles = [("Read", f"{progress.get('done', 0):,}", f"{progress.get('step', '')} {progress.get('source', '')}")]
    if view.job is not None:
        return render_head(view.job, back=(ROUTE, "All training data"), tiles=tiles)
    return (
        f'<section><p class="cu-back"><a href="{ROUTE}">All training data</a></p><h1 class="cu-say" tabindex="-1">'
        f"{escape(view.name)} <span>was prepared from the command line.</span></h1>{render_tiles(tiles)}</section>"
    )


def render_data_body(view: DataView, titles: Mapping[str, str]) -> str:
    """Return what stands below the buttons: the way to the report, the constitutions, the log."""
    log = f"<section><h2>Log</h2>{render_output(view.output)}</section>" if view.output else ""
    if view.manifest is None:
        return log
    report = (
        f'<p><a href="/training/data/{escape(view.name)}" target="_blank">Report</a></p>' if view.has_report else ""
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(titles.get(category, category))}</th><td>{escape(str(told.get("version")))}</td>'
        f'<td class="cu-wrap"><code>{escape(str(told.get("sha256"))[:16])}</code></td></tr>'
        for category, told in (view.manifest.get("constitutions") or {}).items()
    )
    note = (
        "These are the constitutions in use."
        if view.current
        else "By now other constitutions are in use. Prepare new training data to train with those."
    )
    return (
        f'<section><div class="cu-sec-head"><h2>What is in it</h2>{report}</div>'
        f'<p class="cu-note">Out of {escape(", ".join(view.sources))}. Release digest '
        f"<code>{escape(str(view.manifest.get('release_digest'))[:16])}</code>. "
        '<a href="/training">Train on it</a>.</p></section>'
        f'<section><h2>Constitutions</h2><p class="cu-note">{note}</p><div class="cu-scroll"><table class="cu-table">'
        '<thead><tr><th scope="col">Category</th><th scope="col">Version</th><th scope="col">SHA-256</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>{log}"
    )


def render_plan(asked: DataAsked, *, taken: bool, lead: str = "") -> str:
    """Return what would be prepared."""
    runs = f", with the answers of {', '.join(asked.judge_runs)}" if asked.judge_runs else ""
    twins = f" The share of harmless twins is that of the preset {asked.preset}."
    drops = (
        " What matches a benchmark is left out."
        if asked.drop_matches
        else " If anything matches a benchmark, nothing is made."
    )
    there = " There is training data of this name: it stays as it is, and only the very same is taken." if taken else ""
    text = f"{asked.name}: out of {', '.join(asked.releases)}{runs}, seed {asked.seed}.{twins}{drops}{there} {lead}"
    return f"<section><h2>Plan</h2>{render_told(escape(text.strip()))}</section>"


def render_started(name: str) -> str:
    """Return that the preparing was started, with the way to it."""
    return render_told(f'Preparing <a href="{link(run=name)}">{escape(name)}</a>: watch it, or close this page.')
