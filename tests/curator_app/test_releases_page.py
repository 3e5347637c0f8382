"""The releases page: its views, what it escapes, and that every handler asks for the role."""

import io
import json
import zipfile
from html.parser import HTMLParser
from types import SimpleNamespace

import gradio as gr
import pytest
from approved_items import add_approved

from curator_app.actions import releases
from curator_app.screens import releases_view as view
from curator_app.screens.releases import build_releases_page, render_view
from curator_app.workspace import Workspace
from storage.accounts import Person, Role
from storage.release_files import FieldChange, ItemChange, ReleaseDiff, verify_release
from storage.release_rows import ReleasedItem

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><a href='javascript:alert(3)'>&lt;"
MIA = Person(id=1, name="mia", roles=frozenset({Role.MAINTAINER}))
ANN = Person(id=2, name="ann", roles=frozenset({Role.ANNOTATOR}))


class Tags(HTMLParser):
    """Collects tags and addresses, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def check_harmless(html: str) -> None:
    seen = Tags(html)
    assert "script" not in seen.tags
    for name, value in seen.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "action"):
            assert value.startswith(("/media/", "/releases", "#cu-i-")), value


@pytest.fixture
def handlers(workspace: Workspace):
    """Return the page's handlers by name, and a way to say who asks."""
    asking = SimpleNamespace(person=MIA)
    with gr.Blocks() as pages:
        build_releases_page(pages, workspace=workspace, person_of=lambda request: asking.person)
    found = {fn.api_name: fn.fn for fn in pages.fns.values() if fn.fn is not None}
    return SimpleNamespace(asking=asking, **found)


def ask(**query: str) -> SimpleNamespace:
    return SimpleNamespace(query_params=query)


def freeze(workspace: Workspace, version: str = "v1.0", **more):
    return releases.freeze(workspace, version=version, split="benchmark", notes="", actor="user:mia", **more)


def test_the_overview_shows_the_quota_the_list_and_the_next_version(handlers, workspace) -> None:
    add_approved(workspace.db, workspace.blobs, 4)
    main, listed, desk, version, form = handlers.releases_show(ask())
    assert "4 of 455 places in the quota are filled. <em>451 to go.</em>" in main
    assert "4 approved and not yet released" in main
    assert 'aria-label="Children, animals and people in care: 1 approved, 0 of them released, quota 20."' in main
    assert "There is no release yet" in listed
    assert desk.visible and form.visible
    assert version == "v1.0"
    freeze(workspace)
    main, listed, _, version, _ = handlers.releases_show(ask())
    assert "0 approved and not yet released" in main
    assert 'href="/releases/download/v1.0"' in listed
    assert version == "v1.1"


def test_freezing_says_what_it_did_and_keeps_the_notes_when_refused(handlers, workspace) -> None:
    quota, _, said, version, notes = handlers.releases_freeze("v1.0", "benchmark", "My notes", ask())
    assert "Nothing was frozen: nothing is approved for a benchmark release yet" in said
    assert (version, notes) == ("v1.0", "My notes")
    add_approved(workspace.db, workspace.blobs, 2)
    quota, listed, said, version, notes = handlers.releases_freeze("v1.0", "benchmark", "My notes", ask())
    assert "Froze 2 items as v1.0." in said
    assert "2 of 455" in quota
    assert "My notes" in listed
    assert (version, notes) == ("v1.1", "")
    line = releases.find_line(workspace, "v1.0")
    assert line.author == "mia"
    assert verify_release(line.folder, digest=line.digest).items == 2


@pytest.mark.parametrize("name", ["releases_show", "releases_freeze"])
def test_every_handler_refuses_other_roles(handlers, workspace, name) -> None:
    add_approved(workspace.db, workspace.blobs, 1)
    handlers.asking.person = ANN
    arguments = [ask()] if name == "releases_show" else ["v1.0", "benchmark", "", ask()]
    with pytest.raises(gr.Error, match="maintainer"):
        getattr(handlers, name)(*arguments)
    assert releases.read_releases(workspace) == []


def test_the_page_has_no_other_handlers(handlers) -> None:
    assert set(vars(handlers)) == {"asking", "releases_show", "releases_freeze"}


def test_the_address_chooses_the_view(workspace) -> None:
    add_approved(workspace.db, workspace.blobs, 3)
    freeze(workspace)
    add_approved(workspace.db, workspace.blobs, 1, first=4)
    freeze(workspace, "v1.1")
    contents = render_view(workspace, {"release": "v1.0", "page": "1"})
    assert "v1.0 holds 3 items." in contents
    assert Tags(contents).tags.count("img") == 2
    assert "Room 3 with a tall window" in contents, "a row without a picture shows its scene"
    assert "v1.0 is what was frozen." in render_view(workspace, {"verify": "v1.0"})
    assert "1 added, 0 removed, 0 changed, 3 unchanged" in render_view(workspace, {"before": "v1.0", "after": "v1.1"})
    assert render_view(workspace, {}) is None
    assert render_view(workspace, {"before": "v1.0"}) is None


@pytest.mark.parametrize("page", ["0", "-1", "99", "two", "²", "9" * 400, ""])
def test_any_page_number_gives_a_page(workspace, page) -> None:
    add_approved(workspace.db, workspace.blobs, 1)
    freeze(workspace)
    assert "v1.0 holds 1 item." in render_view(workspace, {"release": "v1.0", "page": page})


@pytest.mark.parametrize("query", [{"verify": HOSTILE}, {"release": HOSTILE}, {"before": HOSTILE, "after": "v1"}])
def test_unknown_releases_are_refused_as_text(workspace, query) -> None:
    html = render_view(workspace, query)
    assert "There is no release" in html
    check_harmless(html)


def test_a_damaged_release_shows_every_problem(workspace) -> None:
    add_approved(workspace.db, workspace.blobs, 2)
    folder = freeze(workspace).folder
    (folder / "README.md").write_text("other")
    (folder / "<img src=x onerror=alert(1)>").write_text("x")
    html = render_view(workspace, {"verify": "v1.0"})
    assert "v1.0 is not what was frozen." in html
    assert "2 problems found" in html
    check_harmless(html)
    (folder / "manifest.json").write_text(json.dumps({}))
    assert "manifest.json: cannot be read" in render_view(workspace, {"release": "v1.0"})
    assert "One of the two is not what was frozen." in render_view(workspace, {"before": "v1.0", "after": "v1.0"})


def test_html_in_any_text_stays_text(workspace) -> None:
    add_approved(workspace.db, workspace.blobs, 1)
    releases.freeze(workspace, version="v1.0", split="benchmark", notes=HOSTILE, actor=f"user:{HOSTILE}")
    line = releases.find_line(workspace, "v1.0")
    row = releases.read_contents(workspace, version="v1.0").items[0]
    texts = {
        name: (HOSTILE,) if isinstance(value, tuple) else HOSTILE
        for name, value in vars(row).items()
        if isinstance(value, str | tuple)
    }
    hostile = ReleasedItem(**{**vars(row), **texts, "image_sha256": None})
    pictured = ReleasedItem(**{**vars(hostile), "image_sha256": "0" * 64})
    page = releases.ContentsPage("v1.0", (hostile, pictured), page=1, pages=2, total=26)
    changes = ReleaseDiff(
        added=(hostile,),
        removed=(hostile,),
        changed=(ItemChange(hostile, (FieldChange(HOSTILE, HOSTILE, None), FieldChange("x", (HOSTILE,), 1.0))),),
        unchanged=0,
    )
    quota = releases.QuotaLine(HOSTILE, HOSTILE, 1, 1, 1, 1)
    for html in (
        view.render_list([line, line]),
        view.render_contents(line, page, {HOSTILE: HOSTILE}),
        view.render_diff([line], HOSTILE, HOSTILE, changes),
        view.render_quota([quota, releases.QuotaLine(HOSTILE, HOSTILE, 1, 1, 1, 1, (quota,))]),
        view.render_problems(HOSTILE, [HOSTILE]),
        view.render_refusal(HOSTILE),
        view.render_not_frozen(HOSTILE),
        view.render_frozen(line),
    ):
        check_harmless(html)
        assert "alert(" in html or html == view.render_frozen(line)


def test_the_download_needs_the_role_and_streams_a_release(browser, workspace, tmp_path) -> None:
    add_approved(workspace.db, workspace.blobs, 2)
    digest = freeze(workspace).digest
    reply = browser("mia").get("/releases/download/v1.0")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/zip")
    assert reply.headers["content-disposition"] == 'attachment; filename="ood-mmsafe-v1.0-benchmark.zip"'
    assert "content-length" not in reply.headers, "it is made while it is sent"
    zipfile.ZipFile(io.BytesIO(reply.content)).extractall(tmp_path)
    assert verify_release(tmp_path / "v1.0", digest=digest).items == 2
    assert browser("root").get("/releases/download/v1.0").status_code == 200
    assert browser("ann").get("/releases/download/v1.0").status_code == 403
    assert browser(None).get("/releases/download/v1.0").status_code == 401
    assert browser("mia").get("/releases/download/v9.9").status_code == 404
    for odd in ("v1", "..%2f..%2fcurator.db", "v1.0%00", "v1.0%0a"):
        assert browser("mia").get(f"/releases/download/{odd}").status_code in (404, 422)
