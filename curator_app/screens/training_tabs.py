"""The pages of training, each with the way to the others."""

TABS = (
    ("/training", "Trainings"),
    ("/training-data", "Training data"),
    ("/constitutions", "Constitutions"),
    ("/wind-tunnel", "Wind tunnel"),
)


def render_tabs(current: str) -> str:
    """Return links to the pages of training; `current` is the address of the one that is open."""
    links = "".join(
        f'<a href="{address}"{" aria-current=page" if address == current else ""}>{title}</a>'
        for address, title in TABS
    )
    nav = f'<nav class="cu-places" aria-label="Pages of training">{links}</nav>'
    return f'<div class="cu cu-flow cu-training cu-above">{nav}</div>'
