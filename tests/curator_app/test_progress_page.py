"""The progress page and the notices: who sees a share of their own, and what is said when something is missing."""

from types import SimpleNamespace

import gradio as gr
import pytest

from curator_app.api.errors import error_page
from curator_app.screens.progress import build_progress_page
from curator_app.workspace import Workspace
from storage.accounts import Person, Role


@pytest.fixture
def handlers(workspace: Workspace):
    """Return the page's handlers by name, and a way to say who asks."""
    asking = SimpleNamespace(person=None)
    with gr.Blocks() as pages:
        build_progress_page(pages, workspace=workspace, person_of=lambda request: asking.person)
    found = {fn.api_name: fn.fn for fn in pages.fns.values() if fn.fn is not None}
    return SimpleNamespace(asking=asking, **found)


@pytest.mark.parametrize(("role", "shares"), [(Role.MAINTAINER, 0), (Role.ANNOTATOR, 1), (Role.ADMIN, 1)])
def test_only_who_reviews_has_a_share(handlers, role: Role, shares: int) -> None:
    handlers.asking.person = Person(id=1, name="mia", roles=frozenset({role}))
    html, *_ = handlers.progress_show(None)
    assert html.count("Yours today") == shares
    assert "reviews are in." in html


def test_resolving_without_a_choice_says_so(handlers) -> None:
    handlers.asking.person = Person(id=1, name="mia", roles=frozenset({Role.MAINTAINER}))
    with pytest.raises(gr.Error, match="No flag is chosen"):
        handlers.progress_resolve_flag(None, None)


@pytest.mark.parametrize("message", ["this needs the role admin", "This needs the role admin."])
def test_notices_are_sentences(message: str) -> None:
    assert "This needs the role admin.<" in bytes(error_page(403, message).body).decode()
