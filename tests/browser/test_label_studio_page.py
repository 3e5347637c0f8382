"""The page of Label Studio in a real browser: what to set, a server that does not answer, and a real child process."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from labelstudio_here import URL
from page_checks import find_serious
from playwright.sync_api import expect
from sqlmodel import select

from curator_app.labelstudio.configs import write_config
from curator_app.settings import Settings
from curator_app.workspace import create_workspace
from storage.external_tables import (
    ExternalAnnotationRow,
    ExternalProjectRow,
    ExternalRevisionRow,
    ExternalTaskRow,
)
from storage.records import TaskKind
from storage.tables import TaskRow
from storage.texts import utc_now

pytestmark = [pytest.mark.browser, pytest.mark.thorough]
expect.set_options(timeout=40_000)
SHOTS = os.environ.get("CURATOR_TEST_SHOTS", "")
VIEWS = {
    "dark": {"color_scheme": "dark"},
    "phone": {"width": 390, "height": 844},
    "phone-dark": {"width": 390, "height": 844, "color_scheme": "dark"},
}
USES = (
    ("counted", ""), ("counted", ""), ("waiting", "somebody holds the last place"),
    ("conflict", "ann answered differently here, or in another annotation"),
    ("unknown_person", "no annotator here is called 'a.smith@example.com'"),
    ("late", "S-0003 is part of a release; its reviews can no longer be undone"),
    ("unreadable", "verdict: Input should be 'approve', 'revise' or 'reject'"),
)  # fmt: skip


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def add_project(site: Any) -> None:
    """Note a project that was pushed and pulled, as the server would have left it."""
    with site.workspace.db.write() as session:
        task = session.exec(select(TaskRow)).first()
        project = ExternalProjectRow(
            source=URL, marker="m", remote_id=7, kind="scenario_review", config=write_config(TaskKind.SCENARIO_REVIEW),
            watermark="2026-11-30T08:01:02.000000+00:00", created_at=utc_now(),
        )  # fmt: skip
        session.add(project)
        session.flush()
        for place, (use, reason) in enumerate(USES, start=1):
            where = {"project_id": project.id, "remote_task": 100 + place, "annotation": place}
            session.add(ExternalTaskRow(project_id=project.id, remote_id=100 + place, task_id=task.id))
            revision = ExternalRevisionRow(
                **where, updated_at="t", result_sha256="0", state="submitted", raw="{}", claimed="a.smith@example.com",
                seen_at=utc_now(),
            )  # fmt: skip
            session.add(revision)
            session.flush()
            session.add(ExternalAnnotationRow(**where, revision_id=revision.id, use=use, reason=reason))
        session.commit()


DOWN = {"CURATOR_LABEL_STUDIO_URL": URL, "CURATOR_LABEL_STUDIO_TOKEN": "0" * 40}


@pytest.fixture(scope="module")
def site(request: Any, tmp_path_factory: pytest.TempPathFactory, serve: Callable) -> Iterator[Any]:
    """A server of its own, with these settings."""
    workspace = create_workspace(Settings(home=tmp_path_factory.mktemp("label-studio") / "home"))
    with pytest.MonkeyPatch.context() as here:
        for name, value in request.param.items():
            here.setenv(name, value)
        with serve(workspace) as made:
            made.add_item(overlap=2, picture=True)
            yield made


@pytest.mark.parametrize("site", [{}], indirect=True)
def test_what_to_set_is_said_where_nothing_is_set(open_tab: Callable, site: Any) -> None:
    tab = open_tab(site.add_person("maintainer"))
    page = tab.page
    page.goto(f"{site.url}/label-studio")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Label Studio is not set up.")
    expect(page.get_by_text("CURATOR_LABEL_STUDIO_TOKEN")).to_be_visible()
    expect(page.get_by_text("keeps neither blindness nor identity")).to_be_visible()
    page.get_by_role("button", name="Pull what changed").click()
    expect(page.get_by_text("set CURATOR_LABEL_STUDIO_URL", exact=False).last).to_be_visible()
    assert find_serious(tab, "empty") == []
    shoot(page, "empty")
    for name, how in VIEWS.items() if SHOTS else ():
        other = open_tab(site.add_person("admin"), **how).page
        other.goto(f"{site.url}/label-studio")
        expect(other.get_by_role("heading", level=1)).to_be_visible()
        shoot(other, f"empty-{name}")


@pytest.mark.parametrize("site", [DOWN], indirect=True)
def test_a_server_that_is_down_is_said_and_a_pull_fails_with_its_reason(open_tab: Callable, site: Any) -> None:
    add_project(site)
    tab = open_tab(site.add_person("maintainer"))
    page = tab.page
    page.goto(f"{site.url}/label-studio")
    expect(page.get_by_role("heading", level=1)).to_contain_text("cannot be used")
    expect(page.get_by_text(re.compile("does not answer|pip install")).first).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Scenario review everybody 7 7 2 counted"))).to_be_visible()
    shoot(page, "list")
    page.get_by_role("button", name="Show plan").click()
    expect(page.get_by_text("open tasks would be pushed")).to_be_visible()
    shoot(page, "plan")
    assert find_serious(tab, "list") == []
    page.get_by_role("button", name="Pull what changed").click()
    page.get_by_role("link", name="Pull", exact=True).last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pull has failed")
    expect(page.get_by_text(re.compile("does not answer|pip install")).first).to_be_visible()
    shoot(page, "job")
    page.goto(f"{site.url}/label-studio?project=1")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Scenario review for everybody.")
    assert find_serious(tab, "project") == []
    shoot(page, "project")
    for name, how in VIEWS.items() if SHOTS else ():
        other = open_tab(site.add_person("admin"), **how).page
        for view, path in (("list", ""), ("job", "?run=pull"), ("project", "?project=1")):
            other.goto(f"{site.url}/label-studio{path}")
            expect(other.get_by_role("heading", level=1)).to_be_visible()
            shoot(other, f"{view}-{name}")


@pytest.mark.parametrize("site", [DOWN], indirect=True)
def test_nobody_but_maintainers_gets_there(open_tab: Callable, site: Any) -> None:
    page = open_tab(site.add_person("annotator")).page
    assert page.goto(f"{site.url}/label-studio").status == 403
