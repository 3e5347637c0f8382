"""The calls to models on the page of one item. What models replied is escaped here, and never read as HTML."""

import json
from html import escape

from curator_app.actions.item_calls import ModelCall
from curator_app.actions.item_history import ItemHistory

SHOWN_CHARACTERS = 2_000
SHOWN_FIELDS = 4


def render_calls(history: ItemHistory) -> str:
    """Return the section of the calls, each reply folded; nothing when the item has none."""
    if not history.calls:
        return ""
    rows = "".join(f'<li class="cu-step">{_render_call(call, history.label)}</li>' for call in history.calls)
    return (
        "<section><h2>Calls to models</h2><p>Every reply as it came, before anything was read from it. "
        f'Pictures are above.</p><ol class="cu-steps">{rows}</ol></section>'
    )


def _render_call(call: ModelCall, label: str) -> str:
    took = "" if call.latency_s is None else f", {call.latency_s:.2f} s"
    failed = f", failed before: {', '.join(call.failures)}" if call.failures else ""
    note = f'<span class="cu-note">{escape(f"{call.at[:10]} {call.at[11:19]} UTC, {call.model}{took}{failed}")}</span>'
    head = f'<p class="cu-step-head"><b>{escape(call.role.replace("_", " ").capitalize())}</b>{note}</p>'
    if call.text is None:
        return f'{head}<p class="cu-note">Reply no longer kept, or of no use when it came.</p>'
    shown, whole = call.text[:SHOWN_CHARACTERS], ""
    if len(call.text) > len(shown):
        address = f"/items/reply/{escape(label)}/{escape(call.request_sha256)}"
        whole = (
            f'<p class="cu-note">The first {len(shown):,} of {len(call.text):,} characters. '
            f'<a href="{address}" target="_blank" rel="noopener">Whole reply</a></p>'
        )
    said = f"Reply: {', '.join(fields)}" if (fields := _name_fields(call.text)) else "Reply"
    return (
        f"{head}<details><summary>{escape(said)}</summary>"
        f'<pre class="cu-log" tabindex="0">{escape(shown)}</pre>{whole}</details>'
    )


def _name_fields(text: str) -> list[str]:
    """Return the first field names of a reply that is a JSON object: they tell what was asked."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    names = [str(name)[:40] for name in value] if isinstance(value, dict) else []
    return [*names[:SHOWN_FIELDS], *(["…"] if len(names) > SHOWN_FIELDS else [])]
