"""The releases page: quota, the list, contents, verifying, comparing; maintainers freeze. Wiring only."""

import gradio as gr

from curator_app.access import TRAINERS
from curator_app.actions import releases, twin_looks
from curator_app.screens import releases_view as view
from curator_app.screens.asking import PersonOf, require
from curator_app.screens.frame import page_bar
from curator_app.workspace import Workspace
from storage.accounts import Role
from storage.errors import ReleaseInvalid, StorageError
from storage.records import Split

SPLITS = [(split.value.replace("_", " ").capitalize(), split.value) for split in Split]


def build_releases_page(pages: gr.Blocks, *, workspace: Workspace, person_of: PersonOf) -> None:
    """Place the page into the open route of `pages`. Who trains may look; freezing asks for the role maintainer.

    The address says what is shown (`?release=…`, `?verify=…`, `?before=…&after=…`), so that the page keeps no state.
    """
    gr.HTML(page_bar("releases"), padding=False, apply_default_css=False, js_on_load=None)
    with gr.Column(elem_classes="cu-releases-page"):
        main = _html()
        with gr.Row(visible=False, elem_classes="cu-releases-desk") as desk:
            with gr.Column(scale=3, min_width=320):
                listing = _html()
            with gr.Column(scale=2, min_width=320, elem_classes="cu-freeze") as form:
                _html(view.render_page(view.render_form_head()))
                with gr.Row():
                    version = gr.Textbox(label="Version", max_length=20, min_width=120)
                    split = gr.Dropdown(SPLITS, value=Split.BENCHMARK.value, label="Split", min_width=120)
                notes = gr.Textbox(label="Notes: what is new", lines=3, max_length=20_000)
                button = gr.Button("Freeze release", variant="primary")
                outcome = _html()

    def show(request: gr.Request) -> tuple[str, str, gr.Row, str | gr.Textbox, gr.Column]:
        person = person_of(request)
        require(person, *TRAINERS)
        freezes = person.has(Role.MAINTAINER)
        query = {name: str(value) for name, value in dict(request.query_params).items()}
        body = render_view(workspace, query)
        if body is not None:
            return view.render_page(body), "", gr.Row(visible=False), gr.Textbox(), gr.Column()
        lines = releases.read_releases(workspace)
        quota = render_quota(workspace, twins=freezes)
        listed = view.render_page(view.render_list(lines))
        return quota, listed, gr.Row(visible=True), releases.suggest_version(lines), gr.Column(visible=freezes)

    def freeze(version: str, split: str, notes: str, request: gr.Request) -> tuple[str, str, str, str, str]:
        person = person_of(request)
        require(person, Role.MAINTAINER)
        try:
            line = releases.freeze(workspace, version=version, split=split, notes=notes, actor=f"user:{person.name}")
            said = view.render_frozen(line)
            version, notes = "", ""
        except StorageError as exc:
            said = view.render_not_frozen(str(exc))
        lines = releases.read_releases(workspace)
        quota = render_quota(workspace)
        listed = view.render_page(view.render_list(lines))
        return quota, listed, view.render_page(said), version or releases.suggest_version(lines), notes

    pages.load(
        show, None, [main, listing, desk, version, form], queue=False, show_progress="hidden", api_name="releases_show"
    )
    button.click(
        freeze,
        [version, split, notes],
        [main, listing, outcome, version, notes],
        show_progress="minimal",
        concurrency_limit=1,
        api_name="releases_freeze",
    )


def render_quota(workspace: Workspace, *, twins: bool = True) -> str:
    """Return what is approved against the quota, and for who may look at `twins` how many of them wait, as HTML."""
    waiting = twin_looks.count_unseen(workspace) if twins else 0
    return view.render_page(view.render_quota(releases.read_quota(workspace), twins=waiting))


def render_view(workspace: Workspace, query: dict[str, str]) -> str | None:
    """Return the view that the address asks for as HTML; None for the overview. Refusals are part of the view."""
    name = query.get("verify") or query.get("release") or ""
    try:
        if query.get("verify"):
            return view.render_verified(releases.verify(workspace, version=name))
        if query.get("release"):
            line = releases.find_line(workspace, name)
            page = query.get("page", "1")
            number = int(page) if page.isascii() and page.isdecimal() and len(page) < 10 else 1
            contents = releases.read_contents(workspace, version=name, page=number)
            return view.render_contents(line, contents, workspace.titles)
        if query.get("before") and query.get("after"):
            before, after = query["before"], query["after"]
            changes = releases.diff(workspace, before=before, after=after)
            return view.render_diff(releases.read_releases(workspace), before, after, changes)
    except ReleaseInvalid as exc:
        return view.render_problems(name or "One of the two", exc.problems)
    except StorageError as exc:
        return view.render_refusal(str(exc))
    return None


def _html(value: str = "") -> gr.HTML:
    return gr.HTML(value, padding=False, apply_default_css=False, js_on_load=None)
