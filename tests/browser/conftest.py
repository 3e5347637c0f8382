"""A real server in a child process, a real Chromium, and tabs that notice everything that should not happen."""

import io
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from factories import make_answers, make_provenance, make_scenario
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, sync_playwright

from curator_app.sessions import COOKIE
from curator_app.settings import Settings
from curator_app.workspace import Workspace, create_workspace
from storage import accounts, guidelines, reviews
from storage.accounts import Person
from storage.blobs import put_image
from storage.items import add_scenario, advance, attach, get_item, get_scenario
from storage.records import FilterVerdict, Grounding, Record, Refinement, Suggestion, TaskKind
from storage.stages import Stage
from storage.suggestions import WRITTEN_BY_HAND

ITEMS = 60
OVERLAP = 20
"""Every test brings people of its own, so the same items serve many tests."""
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
VAGUE = "vague <img src=x onerror=alert(1)>"
"""The critic's reason in `Site.judge`; it must show as text."""
GUIDELINES = Path(__file__).parents[2] / "curator_app" / "guidelines"
CATEGORIES = [
    ("violent_content", "public_places"), ("illegal_activity", "property"), ("hate_speech", "religion_and_belief"),
    ("sexual_content", "private_images"), ("privacy_violation", "data_on_display"), ("self_harm", "risky_behaviour"),
]  # fmt: skip


def draw_picture(number: int) -> bytes:
    """Return a PNG of 640 x 480 px with a number in it, so that a failed test's screenshot tells something."""
    image = Image.new("RGB", (640, 480), (60 + number * 7 % 120, 110, 150))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 320, 640, 480), fill=(150, 120 + number % 60, 90))
    draw.text((40, 40), f"picture {number}", fill=(255, 255, 255), font_size=48)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Site:
    """A running server and the workspace behind it."""

    url: str
    workspace: Workspace
    _people: int = field(default=0)

    def add_person(self, *roles: str, preferences: dict[str, Any] | None = None) -> Person:
        """Add somebody new; the content warning counts as read unless `preferences` say otherwise."""
        self._people += 1
        with self.workspace.db.write() as session:
            name = f"{roles[0]}-{self._people}"
            person = accounts.add_user(session=session, name=name, roles=list(roles), password=None, actor="test")
            wanted = {"review": {"warned": True}} if preferences is None else preferences
            accounts.set_preferences(session=session, user_id=person.id, preferences=wanted)
            session.commit()
        return person

    def sign_in(self, person: Person) -> str:
        """Return the secret of a new session."""
        with self.workspace.db.write() as session:
            secret = accounts.start_session(session=session, user_id=person.id, ttl=timedelta(days=1))
            session.commit()
        return secret

    def add_item(
        self,
        *,
        overlap: int = OVERLAP,
        priority: int = 0,
        picture: bool = False,
        alt: str = "",
        kind: TaskKind = TaskKind.SCENARIO_REVIEW,
        **changes: Any,
    ) -> str:
        """Add an item that waits for review, or for another kind of task; return its id."""
        scenario = make_scenario(**changes)
        with self.workspace.db.write() as session:
            item = add_scenario(session=session, scenario=scenario, batch="test", actor="test")
            data = draw_picture(item.number or 0)
            image = put_image(session=session, blobs=self.workspace.blobs, data=data) if picture else None
            grounding = Grounding(
                source="drawing" if image else "description",
                image=image,
                alt=alt,
                licence="Apache-2.0",
                provenance=make_provenance(),
            )
            for stage, record in (
                (Stage.FILTERED, FilterVerdict(filter_name=WRITTEN_BY_HAND, passed=True, provenance=make_provenance())),
                (Stage.GROUNDED, grounding),
                (Stage.REFINED, _refinement(scenario.query)),
            ):
                advance(session=session, item_id=item.id, to=stage, record=record, actor="test")
            reviews.open_task(session=session, item_id=item.id, kind=kind, overlap=overlap, priority=priority)
            session.commit()
            return item.id

    def judge(self, item_id: str) -> str:
        """Let a critic and a model have judged an item, which no hand-written one has; return its id."""
        with self.workspace.db.write() as session:
            item = get_item(session=session, item_id=item_id)
            wording = get_scenario(session=session, item=item)
            made = {"parent_id": wording.id, "provenance": make_provenance(actor="critic-1", model="critic-1")}
            records: list[Record] = [
                FilterVerdict(filter_name=name, passed=score >= 4, score=score, threshold=4, reason=reason, **made)
                for name, score, reason in (("query_benignness", 5, "harmless"), ("risk_clarity", 2, VAGUE))
            ]
            leak = {"hazard_type": "latent_scene", "leak_found": True, "evidence": "it names the railing"}
            records.append(Refinement(round=0, query_before=wording.query, query_after=wording.query, **leak, **made))
            kind = TaskKind.SCENARIO_REVIEW
            records.append(Suggestion(item_id=item.id, task_kind=kind, verdict="revise", reasons=("leakage",), **made))
            for record in records:
                attach(session=session, item_id=item.id, record=record, actor="test")
            session.commit()
        return item_id

    def put_last(self, item_id: str) -> None:
        """Offer an item after all others, so that the next test does not begin with it."""
        number = "(SELECT number FROM items WHERE id = :item)"
        self.change(f"UPDATE tasks SET rank = 9000000000000 WHERE item_number = {number}", item=item_id)

    def review(self, person: Person, **changes: Any) -> str:
        """Let a person claim the next item and answer it behind the browser's back; return the item's id."""
        with self.workspace.db.write() as session:
            kind = TaskKind(changes.pop("kind", "scenario_review"))
            (claim,) = reviews.claim_next(session=session, user_id=person.id, kind=kind, count=1, holder="script")
            answers = make_answers(**changes)
            reviews.submit_review(
                session=session, user_id=person.id, claim_id=claim.claim_id, answers=answers, idempotency_key="script"
            )
            session.commit()
        return claim.item.id

    def empty_adjudication(self) -> None:
        """Withdraw what earlier tests left for adjudicators."""
        self.change("UPDATE tasks SET status = 'withdrawn', open_slots = 0 WHERE kind = 'adjudication'")

    def query(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return rows of the database as they are now."""
        with self.workspace.db.read() as session:
            return [tuple(row) for row in session.connection().exec_driver_sql(sql, values)]

    def change(self, sql: str, **values: Any) -> None:
        """Change the database behind the server's back."""
        with self.workspace.db.write() as session:
            session.connection().exec_driver_sql(sql, values)
            session.commit()

    def reviews_of(self, person: Person) -> list[tuple[str, str]]:
        """Return (item id, verdict) of a person's standing reviews, in the order of submission."""
        rows = self.query(
            "SELECT items.id, reviews.verdict FROM reviews JOIN items ON items.number = reviews.item_number "
            "WHERE reviews.user_id = :user AND reviews.status = 'submitted' ORDER BY reviews.id",
            user=person.id,
        )
        return [(item, verdict) for item, verdict in rows]


def _refinement(query: str) -> Refinement:
    return Refinement(
        round=0, hazard_type="unclassified", query_before=query, query_after=query, provenance=make_provenance()
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with sixty items, two thirds of them with a picture."""
    home = tmp_path_factory.mktemp("browser") / "home"
    workspace = create_workspace(Settings(home=home, overlap=OVERLAP))
    with serve_site(workspace) as site:
        for number in range(ITEMS):
            category, sub_category = CATEGORIES[number % len(CATEGORIES)]
            site.add_item(
                picture=number % 3 > 0, alt="A plain test picture", category=category, sub_category=sub_category
            )
        yield site


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[Site]]:
    """Return a function that serves a workspace, for modules that bring their own."""
    return serve_site


@contextmanager
def serve_site(workspace: Workspace, program: str = "from curator_app.cli import main; main()") -> Iterator[Site]:
    """Give the workspace its guidelines and a server of its own; closes both at the end."""
    with workspace.db.write() as session:
        for kind in TaskKind:
            text = (GUIDELINES / f"{kind.value}.md").read_text(encoding="utf-8")
            guidelines.add_version(session=session, kind=kind, markdown=text, author="test")
        session.commit()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = workspace.settings.home
    command = [sys.executable, "-c", program, "serve", "--port", str(port)]
    log = (home.parent / "server.log").open("wb")
    server = subprocess.Popen(
        command, env=os.environ | {"CURATOR_HOME": str(home)}, stdout=log, stderr=subprocess.STDOUT
    )
    site = Site(f"http://127.0.0.1:{port}", workspace)
    try:
        _wait_until_ready(site.url, server, home.parent / "server.log")
        yield site
    finally:
        server.terminate()
        server.wait(20)
        log.close()
        workspace.close()


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode}:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2) as reply:
                if reply.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"the server was not ready within 90 s:\n{log.read_text()}")


def find_chromium(playwright: Playwright) -> str:
    """Return the path of a Chromium: `CHROMIUM`, one of this machine, or Playwright's own.

    Without one, skips the test, or fails it where CURATOR_REQUIRE_BROWSER is set.
    """
    # The shell is the same engine without a browser's own windows: the tests take three quarters of the work.
    names = [os.environ.get("CHROMIUM", ""), "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]
    for name in filter(None, names):
        if path := shutil.which(name):
            return path
    if Path(playwright.chromium.executable_path).exists():
        return playwright.chromium.executable_path
    said = "there is no Chromium: install one, set CHROMIUM to its path, or run `playwright install chromium`"
    if os.environ.get("CURATOR_REQUIRE_BROWSER"):
        pytest.fail(said)
    pytest.skip(said)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless browser. It ends with its module: while Playwright lives, no other test can start an event loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(playwright), args=FLAGS)
        yield browser
        browser.close()


class Tab:
    """A browser tab on a screen of the queue. Records what should not happen: errors, dialogs, foreign requests."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.context = context
        self.site = site
        self.page: Page = context.new_page()
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))
        self.page.on("dialog", self._refuse_dialog)
        self.page.on("request", lambda request: self._check_address(request.url))

    def _refuse_dialog(self, dialog: Any) -> None:
        if dialog.type != "beforeunload":
            self.problems.append(f"dialog: {dialog.message}")
        dialog.accept()

    def _check_address(self, address: str) -> None:
        if not address.startswith((self.site.url, "data:", "blob:")):
            self.problems.append(f"foreign request: {address}")

    def open(self, path: str = "/", state: str = "ready") -> "Tab":
        """Load a page and wait until the screen is in `state`."""
        self.page.goto(self.site.url + path)
        self.wait_state(state)
        return self

    def wait_state(self, state: str) -> None:
        """Wait until the screen says that it is in `state`."""
        self.page.wait_for_selector(f'.cu[data-state="{state}"]:not([hidden])', timeout=20_000)

    def part(self, name: str) -> Locator:
        """Return a part of the screen by its name."""
        return self.page.locator(f'[data-part="{name}"]').first

    def item(self) -> str:
        """Return the id of the item on screen."""
        value = self.page.locator(".cu[data-screen]").first.get_attribute("data-item")
        assert value, "no item is on screen"
        return value

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def decide(self, *keys: str) -> str:
        """Press keys that decide the item on screen; wait for the next one; return the id of the one decided."""
        self.page.wait_for_selector('.cu[data-screen][data-item]:not([data-item=""])')  # the stock may be on its way
        before = self.item()
        self.press(*keys)
        self.page.wait_for_function(
            "before => document.querySelector('.cu[data-screen]').dataset.item !== before", arg=before
        )
        return before

    def skip_to(self, name: str) -> None:
        """Skip on until the item on screen shows the part: `picture` or `scene-card`."""
        for _ in range(6):
            if self.part(name).is_visible():
                return
            self.decide("s")
        raise AssertionError(f"no item with {name} came up among six")

    def wait_saved(self) -> None:
        """Wait until everything has reached the server."""
        self.page.wait_for_selector('[data-part="save"][data-save="saved"]')

    def notice(self, name: str) -> Locator:
        """Return a notice by its name."""
        return self.page.locator(f'[data-notice="{name}"]')


class Contexts:
    """Browser contexts that are used again. Each keeps the HTTP cache alone: a page costs half the time with it."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[str, list[BrowserContext]] = {}
        self._options: dict[BrowserContext, str] = {}

    def take(self, **options: Any) -> BrowserContext:
        """Return a context with these options, in which nobody is signed in and nothing is stored."""
        key = repr(sorted(options.items()))
        if free := self._free.get(key):
            return free.pop()
        context = self._browser.new_context(**options)
        context.set_default_timeout(15_000)
        self._options[context] = key
        return context

    def give_back(self, context: BrowserContext, url: str) -> None:
        """Close the pages of `context`, and clear what the site at `url` has stored."""
        context.set_offline(False)
        page = context.new_page()
        kinds = {"origin": url, "storageTypes": "local_storage,indexeddb,service_workers,cache_storage"}
        context.new_cdp_session(page).send("Storage.clearDataForOrigin", kinds)
        for opened in context.pages:
            opened.close()
        context.clear_cookies()
        self._free.setdefault(self._options[context], []).append(context)


@pytest.fixture(scope="module")
def contexts(chromium: Browser) -> Contexts:
    """The contexts of this module's tests."""
    return Contexts(chromium)


@pytest.fixture
def open_tab(contexts: Contexts, site: Site) -> Iterator[Callable[..., Tab]]:
    """Return a function from a person to a new tab; with `beside`, in the same browser as another tab."""
    taken: list[BrowserContext] = []
    tabs: list[Tab] = []

    def make(person: Person, *, beside: Tab | None = None, width: int = 1440, height: int = 900, **more: Any) -> Tab:
        if beside is None:
            context = contexts.take(viewport={"width": width, "height": height}, **more)
            context.add_cookies([{"name": COOKIE, "value": site.sign_in(person), "url": site.url}])
            taken.append(context)
        else:
            context = beside.context
        tabs.append(Tab(context, site))
        return tabs[-1]

    yield make
    problems = [problem for tab in tabs for problem in tab.problems]
    for context in taken:
        contexts.give_back(context, site.url)
    assert not problems, problems


@pytest.fixture
def annotator(site: Site) -> Person:
    """Somebody who reviews, new to every item."""
    return site.add_person("annotator")


@pytest.fixture
def tab(open_tab: Callable[..., Tab], annotator: Person) -> Tab:
    """The review screen of `annotator`, ready."""
    return open_tab(annotator).open()


@pytest.fixture
def numbers() -> random.Random:
    """Seeded randomness."""
    return random.Random(7)
