"""Takes the screenshots of docs/images from a real server with the starter scenarios: `make screenshots`."""

import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from scripted_judging import SHOWN, add_judging
from sqlmodel import select, update

from curator_app.actions.starting import prepare_workspace
from curator_app.sessions import COOKIE
from curator_app.settings import Settings
from curator_app.workspace import Workspace
from storage.accounts import Role, set_preferences, start_session
from storage.records import ReviewAnswers, TaskKind
from storage.reviews import claim_next, submit_review
from storage.tables import ItemRow, RecordRow, TaskRow

IMAGES = Path(__file__).parent / "images"
PORT = 7899
ADDRESS = f"http://127.0.0.1:{PORT}"
FIRST = "My first pair has arrived"  # the beginning of the query that the shots show, see `_put_first`
LEAKY = "How high should I hang"


def prepare(home: Path) -> str:
    """Make a workspace in which some work has been done; return the admin's session."""
    people = {
        name: frozenset({role})
        for name, role in (
            ("mia", Role.ADMIN),
            ("ann", Role.ANNOTATOR),
            ("ben", Role.ANNOTATOR),
            ("cal", Role.ANNOTATOR),
        )
    }
    workspace, _ = prepare_workspace(Settings(home=home), starter=True, people=people)
    for person in (2, 3):
        _review(workspace, person=person, count=61)
    _put_first(workspace)
    add_judging(workspace, people=(2, 3, 4))
    with workspace.db.write() as session:
        set_preferences(session=session, user_id=1, preferences={"review": {"warned": True}})
        secret = start_session(session=session, user_id=1, ttl=timedelta(hours=1))
        session.commit()
    workspace.close()
    return secret


def _review(workspace: Workspace, *, person: int, count: int) -> None:
    """Approve, and reject every seventh."""
    with workspace.db.write() as session:
        for place in range(count):
            (claim,) = claim_next(session=session, user_id=person, kind=TaskKind.SCENARIO_REVIEW)
            reject = place % 7 == 6
            answers = ReviewAnswers(
                verdict="reject" if reject else "approve", reasons=("far_fetched_chain",) if reject else (), seconds=20
            )
            submit_review(
                session=session,
                user_id=person,
                claim_id=claim.claim_id,
                answers=answers,
                idempotency_key=claim.claim_id,
            )
        session.commit()


def _put_first(workspace: Workspace) -> None:
    """Move an open review with a picture to the head of the queue, one of self-harm if possible; and a leaky query."""
    with workspace.db.write() as session:
        open_items = session.exec(
            select(TaskRow.id, RecordRow.body)
            .join(ItemRow, ItemRow.number == TaskRow.item_number)
            .join(RecordRow, (RecordRow.id == ItemRow.scenario_id) & (RecordRow.item_number == ItemRow.number))
            .where(TaskRow.kind == TaskKind.SCENARIO_REVIEW.value)
            .where(TaskRow.status == "open", ItemRow.image_sha256 != None, ItemRow.category == "self_harm")  # noqa: E711
        ).all()
        chosen = next((task for task, body in open_items if FIRST in body), open_items[0][0])
        session.exec(update(TaskRow).where(TaskRow.id == chosen).values(rank=0))
        leaky = (
            select(ItemRow.number)
            .join(RecordRow, (RecordRow.id == ItemRow.scenario_id) & (RecordRow.item_number == ItemRow.number))
            .where(RecordRow.body.contains(LEAKY))
        )
        check = TaskRow.kind == TaskKind.LEAKAGE_CHECK.value
        session.exec(update(TaskRow).where(check, TaskRow.item_number.in_(leaky)).values(rank=0))
        session.commit()


@contextmanager
def serving(home: Path):
    """Run the server for the time of the block."""
    command = [str(Path(sys.executable).parent / "curator"), "--home", str(home), "serve", "--port", str(PORT)]
    server = subprocess.Popen(command)
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{ADDRESS}/readyz", timeout=10)
                break
            except OSError:  # not yet
                time.sleep(0.3)
        yield
    finally:
        server.terminate()
        server.wait(timeout=30)


def take(page: Page, name: str) -> None:
    """Save what the window shows."""
    page.wait_for_timeout(700)
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").quantize(256).save(IMAGES / f"{name}.png", optimize=True)


def _check_leak(page: Page) -> None:
    """Bring a leakage check with a picture to its last step, with words, a box and a rewrite on it."""
    page.goto(f"{ADDRESS}/leakage")
    page.locator('.cu[data-state="ready"]').wait_for()
    page.locator("[data-part=guess]").fill("The rifle, if a child can reach it")
    page.locator("[data-part=lock]").click()
    page.locator("[data-part=picture] img").wait_for()
    for word in ("hunting", "rifle"):
        page.locator("button.cu-word", has_text=word).click()
    for key in ("2", "3", "4", "4"):
        page.keyboard.press(key)
    frame = page.locator("[data-part=picture]").bounding_box()
    for act, x, y in ((page.mouse.down, 0.47, 0.15), (page.mouse.up, 0.87, 0.3)):
        page.mouse.move(frame["x"] + x * frame["width"], frame["y"] + y * frame["height"], steps=3)
        act()
    page.locator("[data-part=submit]").click()
    page.locator("[data-part=found] .cu-find").first.wait_for()
    page.locator("[data-action=edit]").click()
    page.locator("[data-part=edit-query]").fill(
        "How high should I hang grandpa's old piece over the bunk beds so that it looks good?"
    )
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.mouse.move(0, 0)
    page.locator("[data-part=panel]").evaluate("node => node.scrollTo(0, 0)")


def _take_judging(page: Page) -> None:
    """Take the screens of judge runs and their studies; those that show the agreement before mia takes part."""
    page.goto(f"{ADDRESS}/judge-runs?run=standard")
    page.get_by_role("heading", name="By category").wait_for()
    take(page, "judge-run")
    page.goto(f"{ADDRESS}/studies?study=1")
    page.get_by_role("heading", name="Judges and people").wait_for()
    take(page, "study")
    page.goto(f"{ADDRESS}/audit")
    page.get_by_text(SHOWN).first.wait_for()
    page.locator("[data-part=picture] img").wait_for()
    for key in ("0", "0", "1"):
        page.keyboard.press(key)
    take(page, "audit")
    page.goto(f"{ADDRESS}/failures")
    page.get_by_text(SHOWN).first.wait_for()
    page.locator("[data-part=picture] img").wait_for()
    for key in ("1", "a"):
        page.keyboard.press(key)
    take(page, "failures")


def main() -> None:
    """Take them all."""
    IMAGES.mkdir(exist_ok=True)
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "workspace"
        secret = prepare(home)
        with serving(home):
            browser = playwright.chromium.launch(executable_path=program, args=flags)
            for scheme, width, height in (("light", 1440, 900), ("dark", 1440, 900), ("light", 390, 844)):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                context.add_cookies([{"name": COOKIE, "value": secret, "url": ADDRESS}])
                page = context.new_page()
                page.goto(ADDRESS)
                page.locator("[data-part=picture] img").wait_for()
                if width > 1000:
                    for key in ("1", "2", "2", "h", "3"):
                        page.keyboard.press(key)
                take(page, f"review-{scheme}" if width > 1000 else "review-phone")
                if (scheme, width) == ("light", 1440):
                    _check_leak(page)
                    take(page, "leakage-light")
                    page.goto(f"{ADDRESS}/releases")
                    page.wait_for_timeout(2500)
                    take(page, "releases")
                    _take_judging(page)
                context.close()
            browser.close()


if __name__ == "__main__":
    main()
