"""The page of one item as HTML. Every text that people or models wrote is escaped here."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from curator_app.actions.item_history import ItemHistory, Step, diff_words, read_prompts
from curator_app.screens.call_view import render_calls
from storage.records import FilterVerdict, Grounding, Record, Refinement, Scenario, Twin

TITLES = {
    "scenario": "Scenario",
    "filter_verdict": "Verdict",
    "grounding": "Picture",
    "refinement": "Refinement",
    "review": "Review",
    "decision": "Decision",
    "twin": "Twin",
    "twin_review": "Look at the twin",
    "suggestion": "Suggestion",
}
UNSHOWN = frozenset({"kind", "parent_id", "provenance", "item_id", "claim_id", "image", "causal_chain", "twin_id"})


def render_item(history: ItemHistory, titles: Mapping[str, str]) -> str:
    """Return the whole page."""
    if history.blind:
        return _render_blind(history)
    place = " · ".join(titles.get(slug, slug) for slug in (history.category, history.sub_category))
    withheld = (
        f'<p class="cu-told">{history.withheld:,} entries are withheld: you may still be asked about this item, so '
        "what others answered shows once it is settled.</p>"
        if history.withheld
        else ""
    )
    lines = escape("\n".join(history.log))
    log = f'<section><h2>In its run</h2><pre class="cu-log" tabindex="0">{lines}</pre></section>' if lines else ""
    steps = "".join(_render_steps(history.steps))
    return (
        f'<section><h1 class="cu-say" tabindex="-1">{escape(history.label)} <span>{escape(history.stage)}</span></h1>'
        f'<p class="cu-meta-line">{escape(place)} · {escape(history.batch)} · <code>{escape(history.id)}</code></p>'
        f'{withheld}</section><section><h2>History</h2><ol class="cu-steps">{steps}</ol></section>'
        f"{render_calls(history)}{_render_events(history.steps)}{log}"
    )


def _render_blind(history: ItemHistory) -> str:
    return (
        f'<section><h1 class="cu-say" tabindex="-1">{escape(history.label)} <span>{escape(history.stage)}</span></h1>'
        f'<p class="cu-wrap">{escape(history.query)}</p>'
        '<p class="cu-told" role="status">You may still be asked what these words alone give away, so the rest is '
        "withheld: picture, hazard and history. If you look, you are not asked for this item’s leakage check.</p>"
        "</section>"
    )


def _render_steps(steps: Iterable[Step]) -> Iterable[str]:
    last: Scenario | None = None
    for step in steps:
        if step.record is None:
            continue
        yield (
            f'<li class="cu-step"><p class="cu-step-head"><b>{escape(_title(step.record))}</b>{_render_by(step)}</p>'
            f"{_render_record(step.record, last)}{_render_provenance(step.record)}</li>"
        )
        last = step.record if isinstance(step.record, Scenario) else last


def _render_events(steps: Iterable[Step]) -> str:
    rows = "".join(
        f'<tr><td class="cu-num">{step.at:%Y-%m-%d %H:%M:%S}</td><th scope="row">{escape(step.kind)}</th>'
        f'<td>{escape(step.actor)}</td><td class="cu-wrap"><code>{escape(step.text)}</code></td></tr>'
        for step in steps
        if step.record is None
    )
    return (
        '<section><h2>Audit log</h2><div class="cu-scroll"><table class="cu-table"><thead><tr>'
        '<th scope="col" class="cu-num">At, UTC</th><th scope="col">Event</th><th scope="col">By</th>'
        f'<th scope="col">What</th></tr></thead><tbody>{rows}</tbody></table></div></section>'
    )


def _title(record: Record) -> str:
    if isinstance(record, FilterVerdict):
        return f"{record.filter_name.replace('_', ' ').capitalize()}: {'passed' if record.passed else 'failed'}"
    if isinstance(record, Refinement):
        return f"Refinement, round {record.round}"
    return TITLES.get(record.kind, record.kind.replace("_", " ").capitalize())


def _render_by(step: Step) -> str:
    return f'<span class="cu-note">{step.at:%Y-%m-%d %H:%M:%S} UTC, {escape(step.actor)}</span>'


def _render_record(record: Record, last: Scenario | None) -> str:
    values = record.model_dump(mode="json")
    if isinstance(record, Scenario):
        chain = "".join(f"<li>{escape(step)}</li>" for step in record.causal_chain)
        if last is not None:
            return _render_values(*_find_changes(values, last))
        return f'{_render_values(values, {})}<ol class="cu-chain">{chain}</ol>'
    if isinstance(record, FilterVerdict):
        if record.score is None:
            return _render_values(values, {})
        against = f"{record.score:g}" + ("" if record.threshold is None else f", at least {record.threshold:g} passes")
        return f"<p>{escape(against)}</p><p>{escape(record.reason)}</p>"
    if isinstance(record, Refinement) and record.query_before != record.query_after:
        diff = render_diff(record.query_before, record.query_after)
        return _render_values({k: v for k, v in values.items() if k != "query_before"}, {"query_after": diff})
    image = values.get("image")
    picture = ""
    if isinstance(image, dict):
        alt = escape(getattr(record, "alt", "") or "")
        size = f"{image['width_px']} × {image['height_px']} px" if isinstance(record, Grounding) else ""
        picture = (
            f'<img loading="lazy" src="/media/{escape(image["sha256"])}" alt="{alt}"><p class="cu-note">{size}</p>'
        )
    if isinstance(record, Twin):
        look = f'<p><a href="/items?twin={escape(record.item_id)}">See it beside the item’s picture</a></p>'
        return picture + look + _render_values(values, {})
    return picture + _render_values(values, {})


def _find_changes(values: Mapping[str, Any], last: Scenario) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the fields of a scenario that differ from the one before it, and those of them that are text as diffs."""
    before = last.model_dump(mode="json")
    changed = {name: value for name, value in values.items() if value != before[name]}
    texts = {name: value for name, value in changed.items() if isinstance(value, str)}
    return changed, {name: render_diff(before[name] or "", value) for name, value in texts.items()}


def _render_values(values: Mapping[str, Any], ready: Mapping[str, str]) -> str:
    """Return fields that say something; `ready` are those that are HTML already."""
    rows = "".join(
        f"<div><dt>{escape(name.replace('_', ' '))}</dt><dd>{ready.get(name) or escape(_say(value))}</dd></div>"
        for name, value in values.items()
        if name not in UNSHOWN and value not in (None, "", [], {})
    )
    return f'<dl class="cu-values">{rows}</dl>'


def _say(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_say(inner)}" for name, inner in value.items() if inner is not None)
    if isinstance(value, list):
        return ", ".join(_say(inner) for inner in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def render_diff(before: str, after: str) -> str:
    """Return a text with what changed in it marked, word by word."""
    tags = {"gone": "del", "new": "ins"}
    return "".join(
        f"<{tags[kind]}>{escape(text)}</{tags[kind]}>" if kind in tags else escape(text)
        for kind, text in diff_words(before, after)
    )


def _render_provenance(record: Record) -> str:
    made = record.provenance
    parts = [
        made.tool,
        *([made.model] if made.model else []),
        *([f"seed {made.seed}"] if made.seed is not None else []),
    ]
    prompt = ""
    if made.prompt_sha256:
        name, text = read_prompts().get(made.prompt_sha256, ("", ""))
        prompt = (
            f'<details><summary>Prompt {escape(name)}</summary><pre class="cu-log">{escape(text)}</pre></details>'
            if text
            else f'<p class="cu-note">Prompt {made.prompt_sha256[:12]}, of another version.</p>'
        )
    return f'<p class="cu-note">{escape(", ".join(parts))}</p>{prompt}'
