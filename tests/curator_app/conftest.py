"""A real workspace on SQLite, with people of every role and a few items to review."""

import io
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from factories import make_scenario
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from curator_app.actions.people import PeopleDesk
from curator_app.server import build_server
from curator_app.sessions import COOKIE
from curator_app.settings import Settings
from curator_app.workspace import Workspace, create_workspace, open_workspace
from storage import accounts, guidelines
from storage.blobs import put_image
from storage.items import add_scenario, advance
from storage.records import FilterVerdict, Grounding, Provenance, Refinement, TaskKind
from storage.reviews import open_task
from storage.stages import Stage

PEOPLE = {
    "root": ["admin"],
    "mia": ["maintainer"],
    "tom": ["trainer"],
    "ada": ["adjudicator"],
    "ann": ["annotator"],
    "ben": ["annotator"],
    "nobody": [],
}
PASSWORD = "four grey herons wait"
ITEMS = 6
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def add_item(workspace: Workspace, *, number: int, picture: bool = True) -> str:
    """Add an item that waits for review; return its id."""
    provenance = Provenance(actor="test", tool="test")
    scenario = make_scenario(query=f"Where does plant number {number} get the most light?")
    with workspace.db.write() as session:
        item = add_scenario(session=session, scenario=scenario, batch="test", actor="test")
        image = None
        if picture:
            buffer = io.BytesIO()
            Image.new("RGB", (64, 48), (number * 20 % 256, 90, 140)).save(buffer, "PNG")
            image = put_image(session=session, blobs=workspace.blobs, data=buffer.getvalue())
        grounding = Grounding(
            source="drawing" if image else "description",
            image=image,
            alt="A plain picture",
            licence="Apache-2.0",
            provenance=provenance,
        )
        verdict = FilterVerdict(filter_name="hand_made", passed=True, provenance=provenance)
        refinement = Refinement(
            round=0,
            hazard_type="latent_scene",
            query_before=scenario.query,
            query_after=scenario.query,
            provenance=provenance,
        )
        for stage, record in (
            (Stage.FILTERED, verdict),
            (Stage.GROUNDED, grounding),
            (Stage.REFINED, refinement),
        ):
            advance(session=session, item_id=item.id, to=stage, record=record, actor="test")
        open_task(session=session, item_id=item.id, kind=TaskKind.SCENARIO_REVIEW, overlap=2)
        session.commit()
        return item.id


@pytest.fixture(scope="session")
def prepared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace folder that tests copy."""
    home = tmp_path_factory.mktemp("prepared") / "home"
    workspace = create_workspace(Settings(home=home))
    people = PeopleDesk(workspace, actor="test")
    for name, roles in PEOPLE.items():
        people.add(name=name, roles=roles, password=PASSWORD if name in ("root", "ann") else None)
    for number in range(ITEMS):
        add_item(workspace, number=number)
    with workspace.db.write() as session:
        for kind in TaskKind:
            guidelines.add_version(session=session, kind=kind, markdown="# Look twice\n\n<b>as text</b>", author="test")
        session.commit()
    workspace.close()
    return home


@pytest.fixture
def workspace(prepared_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace of its own for the test."""
    shutil.copytree(prepared_home, tmp_path / "home")
    workspace = open_workspace(Settings(home=tmp_path / "home"))
    yield workspace
    workspace.close()


@pytest.fixture
def app(workspace: Workspace) -> FastAPI:
    """The server without the Gradio pages."""
    return build_server(workspace, pages=False)


@pytest.fixture
def start_session(workspace: Workspace) -> Callable[[str], str]:
    """Return a function from a person's name to the secret of a fresh session."""

    def start(name: str) -> str:
        with workspace.db.write() as session:
            ids = {account.person.name: account.person.id for account in accounts.list_accounts(session=session)}
            secret = accounts.start_session(session=session, user_id=ids[name], ttl=timedelta(days=1))
            session.commit()
        return secret

    return start


@pytest.fixture
def browser(app: FastAPI, start_session: Callable[[str], str]) -> Callable[..., TestClient]:
    """Return a function from a person's name to a client with their cookie; with None, a stranger's."""

    def open_browser(name: str | None, *, headers: dict[str, str] = SAME_ORIGIN) -> TestClient:
        client = TestClient(app, headers=headers, follow_redirects=False, raise_server_exceptions=False)
        if name is not None:
            client.cookies.set(COOKIE, start_session(name))
        return client

    return open_browser


@pytest.fixture
def token(workspace: Workspace) -> Callable[[str], dict[str, str]]:
    """Return a function from a person's name to the header of a fresh token."""
    people = PeopleDesk(workspace, actor="test")

    def make(name: str, label: str = "test") -> dict[str, str]:
        return {"Authorization": f"Bearer {people.make_token(name=name, label=label)}"}

    return make
