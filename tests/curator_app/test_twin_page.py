"""The page where people look at twins before a release takes them: who may, what is kept, what is escaped."""

from html import unescape
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from approved_items import add_approved, add_twin
from page_html import HOSTILE, Attributes

from curator_app.actions import releases
from curator_app.actions.item_history import read_history
from curator_app.actions.twin_looks import count_unseen, read_look
from curator_app.screens import releases_view
from curator_app.screens.item_view import render_item
from curator_app.screens.items import build_item_page
from curator_app.screens.releases import render_quota
from curator_app.screens.twin_view import render_look
from curator_app.workspace import Workspace
from storage.accounts import Person, Role, list_accounts
from storage.items import attach, get_item, get_scenario
from storage.records import TaskKind, Twin, TwinReview
from storage.release_files import read_release
from storage.reviews import open_task

MIA = Person(id=1, name="mia", roles=frozenset({Role.MAINTAINER}))
ADA = Person(id=2, name="ada", roles=frozenset({Role.ADJUDICATOR}))
ANN = Person(id=3, name="ann", roles=frozenset({Role.ANNOTATOR}))


def page_for(workspace: Workspace, person: Person) -> SimpleNamespace:
    """Return the page's handlers by name, as `person` calls them."""
    with gr.Blocks() as pages:
        build_item_page(pages, workspace=workspace, person_of=lambda request: person)
    return SimpleNamespace(**{fn.api_name: fn.fn for fn in pages.fns.values() if fn.fn is not None})


def ask(**query: str) -> Any:
    return SimpleNamespace(query_params=query)


def label_of(workspace: Workspace, item_id: str) -> str:
    with workspace.db.read() as session:
        return f"S-{get_item(session=session, item_id=item_id).number:04d}"


def test_twins_are_looked_at_one_after_the_other_and_the_release_follows(workspace: Workspace) -> None:
    ids = add_approved(workspace.db, workspace.blobs, 3)
    twins = [add_twin(workspace.db, workspace.blobs, item_id, harmless=None, picture=500 + n)
             for n, item_id in enumerate(ids)]  # fmt: skip
    names = [label_of(workspace, item_id) for item_id in ids]
    page = page_for(workspace, ADA)
    assert "3 twins wait" in page.items_show(ask())[0] and "3 twins wait for a look" in render_quota(workspace)
    html, name, twin_id, look, acts = page.items_show(ask(twin="next"))
    assert (name, twin_id, look["visible"], acts["visible"]) == (names[0], twins[0].id, False, True)
    assert f"/media/{twins[0].image.sha256}" in html and html.count("<img") == 2
    assert "A child climbs the bench" in html and "nobody has looked at it yet" in html
    html, name, twin_id, *_ = page.items_twin_harmless(name, twin_id, None)
    assert f"The twin of {names[0]} is harmless" in html and name == names[1]
    html, name, twin_id, *_ = page.items_twin_leave_out(name, twin_id, None)
    assert f"The twin of {names[1]} is left out of releases" in html and name == names[2]
    html, name, twin_id, _, acts = page.items_show(ask(twin=names[0]))
    assert "found harmless by ada" in html and acts["visible"], "it can be changed until a release takes it"
    releases.freeze(workspace, version="v1.0", split="benchmark", notes="", actor="user:mia")
    assert "0 twins" not in page.items_show(ask())[0] and count_unseen(workspace) == 0
    html, name, twin_id, _, acts = page.items_show(ask(twin=names[2]))
    assert "the item is released" in html and not acts["visible"] and not twin_id
    with pytest.raises(gr.Error, match="stage 'released'"):
        page.items_twin_harmless(names[2], twins[2].id, None)
    assert "No twin waits for a look" in page.items_show(ask(twin="next"))[0]
    rows = list(read_release(workspace.releases_folder / "v1.0").items)
    assert [row.has_twin for row in rows] == [True, False, False]
    contents = releases_view.render_contents(
        releases.find_line(workspace, "v1.0"), releases.read_contents(workspace, version="v1.0"), {}
    )
    assert contents.count("Twin, without the hazard") == 1 and f"/media/{twins[0].image.sha256}" in contents


def test_the_item_page_shows_the_twin_and_what_was_said(workspace: Workspace) -> None:
    (item_id,) = add_approved(workspace.db, workspace.blobs, 1)
    twin = add_twin(workspace.db, workspace.blobs, item_id)
    html = render_item(read_history(workspace, name=item_id, person=MIA), workspace.titles)
    assert f"/media/{twin.image.sha256}" in html and f'href="/items?twin={item_id}"' in html
    assert "Look at the twin" in html and "Looker-Eve-Sand" in html


def test_annotators_are_refused_and_another_twin_is_not_answered_for(workspace: Workspace) -> None:
    (item_id,) = add_approved(workspace.db, workspace.blobs, 1)
    twin = add_twin(workspace.db, workspace.blobs, item_id, harmless=None)
    annotator = page_for(workspace, ANN)
    for handler in (annotator.items_twin_harmless, annotator.items_twin_leave_out):
        with pytest.raises(gr.Error, match="maintainer"):
            handler(item_id, twin.id, None)
    page = page_for(workspace, MIA)
    with pytest.raises(gr.Error, match="another twin by now"):
        page.items_twin_harmless(item_id, "0" * 64, None)
    assert count_unseen(workspace) == 1
    assert "There is no item" in unescape(page.items_show(ask(twin=HOSTILE))[0])
    plain = page.items_show(ask(twin="S-0001"))[0]
    assert "has no twin of its present wording" in plain


def test_who_may_still_be_asked_what_the_words_say_is_not_shown_the_pictures(workspace: Workspace) -> None:
    ids = add_approved(workspace.db, workspace.blobs, 2)
    twins = [add_twin(workspace.db, workspace.blobs, item_id, harmless=None, picture=500 + n)
             for n, item_id in enumerate(ids)]  # fmt: skip
    with workspace.db.write() as session:
        open_task(session=session, item_id=ids[0], kind=TaskKind.LEAKAGE_CHECK, overlap=1)
        people = {account.person.name: account.person for account in list_accounts(session=session)}
        session.commit()
    both = Person(id=people["ann"].id, name="ann", roles=frozenset({Role.ANNOTATOR, Role.ADJUDICATOR}))
    page = page_for(workspace, both)
    html, name, *_ = page.items_show(ask(twin="next"))
    assert name == label_of(workspace, ids[1]), "the first that this person may see"
    html, _, twin_id, _, acts = page.items_show(ask(twin=ids[0]))
    assert "leakage check" in html and "/media/" not in html and not twin_id and not acts["visible"]
    with pytest.raises(gr.Error, match="leakage check"):
        page.items_twin_harmless(ids[0], twins[0].id, None)


def test_html_in_any_text_of_a_twin_stays_text(workspace: Workspace) -> None:
    (item_id,) = add_approved(workspace.db, workspace.blobs, 1)
    twin = add_twin(workspace.db, workspace.blobs, item_id, harmless=None)
    with workspace.db.write() as session:
        scenario = get_scenario(session=session, item=get_item(session=session, item_id=item_id))
        hostile = twin.model_copy(update={"scene": HOSTILE, "alt": HOSTILE, "parent_id": scenario.id})
        hostile = Twin.model_validate(hostile.model_dump())
        attach(session=session, item_id=item_id, record=hostile, actor="tests")
        review = TwinReview(item_id=item_id, twin_id=hostile.id, reviewer=HOSTILE, harmless=True,
                            parent_id=hostile.id, provenance=twin.provenance)  # fmt: skip
        attach(session=session, item_id=item_id, record=review, actor="tests")
        session.commit()
    seen = Attributes(render_look(read_look(workspace, name=item_id, person=MIA)))
    assert "script" not in seen.tags and seen.tags.count("img") == 2
    assert not [name for name in seen.names if name.startswith("on")]
