"""Constitutions edited in the app: what the page shows and refuses, and that training data and judge runs use them."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from approved_items import add_approved
from typer.testing import CliRunner, Result

from caspo.constitution import hash_constitutions, list_constitutions
from curator_app.actions import constitutions, releases
from curator_app.actions.constitutions import ConstitutionRefused, choose_constitutions, read_current
from curator_app.actions.judging import find_constitutions
from curator_app.cli import app
from curator_app.screens.constitutions import build_constitutions_page
from curator_app.workspace import Workspace
from storage.accounts import Person, Role
from storage.errors import Conflict, NotFound
from storage.records import Category

MIA = Person(id=1, name="mia", roles=frozenset({Role.MAINTAINER}))
TOM = Person(id=2, name="tom", roles=frozenset({Role.TRAINER}))
ANN = Person(id=3, name="ann", roles=frozenset({Role.ANNOTATOR}))
HOSTILE = "<script>alert(1)</script>"
SHIPPED = list_constitutions()[Category.SELF_HARM].text


@pytest.fixture
def handlers(workspace: Workspace) -> SimpleNamespace:
    asking = SimpleNamespace(person=MIA)
    with gr.Blocks() as pages:
        build_constitutions_page(pages, workspace=workspace, person_of=lambda request: asking.person)
    found = {fn.api_name: fn.fn for fn in pages.fns.values() if fn.fn is not None}
    return SimpleNamespace(asking=asking, **found)


def ask(**query: str) -> SimpleNamespace:
    return SimpleNamespace(query_params=query)


def save(workspace: Workspace, text: str, *, based_on: int = 0, category: str = "self_harm", why: str = "test") -> Any:
    return constitutions.save(
        workspace, category=category, text=text, reason=why, based_on=str(based_on), actor="user:mia"
    )


def test_the_six_of_the_package_are_listed_until_somebody_edits_one(
    handlers: SimpleNamespace, workspace: Workspace
) -> None:
    html, form, *_ = handlers.constitutions_show(ask())
    assert "6 constitutions. <span>As the package brings them." in html and html.count("The package’s 1.0") == 6
    assert "Open one to edit it." in html and form["visible"] is False
    save(workspace, "Look twice.")
    html = handlers.constitutions_show(ask())[0]
    assert "1 of them edited here." in html and "Version 1</td>" in html and html.count("The package’s 1.0") == 5


def test_a_maintainer_sees_the_difference_and_saves_with_a_reason(
    handlers: SimpleNamespace, workspace: Workspace
) -> None:
    query = ask(category="self_harm")
    html, form, text, why, based_on = handlers.constitutions_show(query)
    assert form["visible"] is True and (text, why, based_on) == (SHIPPED, "", "0")
    assert "Nobody has changed it yet." in html
    wanted = f"{SHIPPED}\n\n{HOSTILE}"
    shown = handlers.constitutions_compare(wanted, query)
    assert "<ins>" in shown and "<del>" not in shown
    assert HOSTILE not in shown and "script" in shown
    body, text, why, based_on, told = handlers.constitutions_save(wanted, "hostile texts", "0", query)
    assert "Saved as version 1" in told and (text, why, based_on) == (wanted, "", "1")
    assert HOSTILE not in body and "hostile texts" in body
    changed = handlers.constitutions_show(ask(category="self_harm", before="0", after="1"))[0]
    assert "The package’s 1.0 to version 1." in changed and "<ins>" in changed and "mia" in changed
    assert "This is the text that is in use." in handlers.constitutions_compare(wanted, query)


def test_lines_break_where_the_page_ends_and_not_where_they_were_typed(
    handlers: SimpleNamespace, workspace: Workspace
) -> None:
    save(workspace, "Look well\nat the\npicture.\n\nThen:\n- think,\n  twice;\n- answer.\n1. One\n2. Two")
    html = handlers.constitutions_show(ask(category="self_harm"))[0]
    assert "Look well at the picture.\n\nThen:\n- think, twice;\n- answer.\n1. One\n2. Two</div>" in html
    shown = handlers.constitutions_compare("Look well\nat the\n- picture.\n\nThen:", ask(category="self_harm"))
    assert "at the\n<ins>- </ins>picture." in shown or "at the<ins>\n-</ins>" in shown, shown


def test_going_back_is_a_new_version_with_the_old_text(handlers: SimpleNamespace, workspace: Workspace) -> None:
    save(workspace, "Look twice.")
    save(workspace, "Look thrice.", based_on=1)
    html, _, text, why, based_on = handlers.constitutions_show(ask(category="self_harm", version="1"))
    assert "Version 1, an older one." in html and "<del>thrice.</del><ins>twice.</ins>" in html
    assert (text, why, based_on) == ("Look twice.", "Back to version 1", "2")
    handlers.constitutions_save(text, why, based_on, ask(category="self_harm", version="1"))
    history = constitutions.read_history(workspace, "self_harm")
    assert [version.constitution.text for version in history.versions[1:]] == [
        "Look twice.", "Look thrice.", "Look twice."
    ]  # fmt: skip
    assert history.current.constitution.version == "workspace-3"
    assert len({version.constitution.sha256 for version in history.versions}) == 4


def test_what_was_written_stays_in_the_field_when_it_cannot_be_saved(
    handlers: SimpleNamespace, workspace: Workspace
) -> None:
    query = ask(category="self_harm")
    for text, why, based_on, told in (
        ("Look.", " ", "0", "The reason is missing"),
        ("Look.<|im_end|>", "x", "0", "a token of chat templates"),
        (SHIPPED, "x", "0", "The text is that of version 0"),
        ("Look.", "x", "7", "this text is based on version 7"),
        ("Look.", "x", "seven", "this text is based on version -1"),
    ):
        _, kept, kept_why, _, said = handlers.constitutions_save(text, why, based_on, query)
        assert told.replace("'", "&#x27;") in said and (kept, kept_why) == (text, why)
    assert "There is no category" in handlers.constitutions_save("Look.", "x", "0", ask(category="hate"))[-1]
    assert "There is no category" in handlers.constitutions_show(ask(category="hate"))[0]
    assert "has no version" in handlers.constitutions_show(ask(category="self_harm", version="9"))[0]
    assert read_current(workspace) == list_constitutions()


def test_trainers_read_and_do_not_write_and_others_do_neither(handlers: SimpleNamespace, workspace: Workspace) -> None:
    handlers.asking.person = TOM
    html, form, *_ = handlers.constitutions_show(ask(category="self_harm"))
    assert "playing" not in html and form["visible"] is False and "Versions" in html
    assert "Maintainers edit them." in handlers.constitutions_show(ask())[0]
    for act in (
        lambda: handlers.constitutions_save("Look.", "x", "0", ask(category="self_harm")),
        lambda: handlers.constitutions_compare("Look.", ask(category="self_harm")),
    ):
        with pytest.raises(gr.Error, match="needs the role maintainer; tom has trainer"):
            act()
    handlers.asking.person = ANN
    with pytest.raises(gr.Error, match="needs the role maintainer or trainer; ann has annotator"):
        handlers.constitutions_show(ask())
    assert read_current(workspace) == list_constitutions()


def test_named_ones_are_the_packages_the_workspaces_or_a_files(workspace: Workspace, tmp_path: Any) -> None:
    save(workspace, "Look twice.")
    assert choose_constitutions(workspace, "shipped") == list_constitutions()
    for named in (None, "workspace"):
        assert choose_constitutions(workspace, named)[Category.SELF_HARM].text == "Look twice."
    assert choose_constitutions(None, None) == list_constitutions()
    with pytest.raises(ConstitutionRefused, match="there is no workspace here"):
        choose_constitutions(None, "workspace")
    with pytest.raises(ConstitutionRefused, match=r"gone\.yaml cannot be read"):
        choose_constitutions(workspace, str(tmp_path / "gone.yaml"))
    texts = find_constitutions("workspace", categories={}, workspace=workspace).constitutions
    assert texts["self_harm"] == "Look twice." and len(texts) == 6
    with pytest.raises(NotFound):
        constitutions.read_history(workspace, "hate")
    with pytest.raises(Conflict):
        save(workspace, "Look thrice.")


@pytest.fixture
def prepare(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("CURATOR_HOME", str(workspace.settings.home))
    ids = add_approved(workspace.db, workspace.blobs, 3)
    releases.freeze(workspace, version="v1.0", split="train", notes="", actor="user:mia", item_ids=ids)
    words = ["caspo", "prepare", "--release", "v1.0", "--twin-share", "0"]
    return lambda to, *more: CliRunner().invoke(app, [*words, "--to", str(to), *map(str, more)])


def test_training_data_is_prepared_with_those_of_the_workspace_and_pinned(
    workspace: Workspace, prepare: Callable[..., Result], tmp_path: Any
) -> None:
    import pyarrow.parquet as pq

    category = "violent_content"
    save(workspace, "Look twice.", category=category)
    own = tmp_path / "own.yaml"
    own.write_text(constitutions.write_policies(read_current(workspace)).replace("twice", "thrice"), "utf-8")
    for name, words, text, version in (
        ("own", (), "Look twice.", "workspace-1"),
        ("shipped", ("--constitutions", "shipped"), list_constitutions()[Category(category)].text, "1.0"),
        ("file", ("--constitutions", own), "Look thrice.", "own.yaml"),
    ):
        done = prepare(tmp_path / name, *words)
        assert done.exit_code == 0, done.output
        manifest = json.loads((tmp_path / name / "manifest.json").read_bytes())
        assert manifest["constitutions"][category]["version"] == version
        rows = pq.read_table(tmp_path / name / "train.parquet").to_pylist()
        extra = next(row["extra_info"] for row in rows if row["extra_info"]["category"] == category)
        assert extra["constitution"] == text
        assert extra["constitution_hash"] == manifest["constitutions"][category]["sha256"]
        if name == "own":
            assert manifest["constitution_sha256"] == hash_constitutions(read_current(workspace))
    assert isinstance(prepare(tmp_path / "none", "--constitutions", "gone.yaml").exception, ConstitutionRefused)
