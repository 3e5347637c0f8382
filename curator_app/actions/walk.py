"""`curator demo --walk`: the whole path on a toy world, from a proposed scene to a trained and judged model.

Every step asks the workspace what is there and does what is lacking, so a walk that was killed goes on where it was.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlmodel import col, select

from caspo.errors import CaspoError
from caspo.wind_tunnel.run import Progress
from caspo.wind_tunnel.world import Split
from curator_app.actions import releases, walk_people, wind_tunnel
from curator_app.actions.judging import JudgingRefused
from curator_app.actions.starting import prepare_workspace
from curator_app.actions.tunnel_jobs import FOLDERS
from curator_app.actions.tunnel_reading import WALK
from curator_app.actions.walk_judging import RUNS, judge_model, make_models, make_walk_place
from curator_app.actions.walk_page import read_rates, write_walk_page
from curator_app.actions.walk_reading import read_walk
from curator_app.actions.walk_scenes import (
    BATCH,
    Candidate,
    WalkPlan,
    WalkRefused,
    add_candidate,
    list_candidates,
    refuse_foreign,
)
from curator_app.actions.wind_tunnel import PAGE, QUICK_HAZARDS, TunnelRequest
from curator_app.actions.world_models import KnownScenes, know_scenes
from curator_app.curated_world import open_curated_world
from curator_app.settings import Settings
from curator_app.wind_tunnel_world import HazardWorld
from curator_app.workspace import Workspace
from endpoints.chat import ChatEndpoint
from endpoints.errors import EndpointError
from endpoints.ledger import Ledger
from endpoints.local_models import require_libraries
from judge.benchmark import SittingState
from pipeline.hazard_world.world import NOTICE
from storage.errors import NotFound
from storage.locks import hold_lock
from storage.stages import Stage
from storage.tables import ItemRow

FOLDER, TUNNEL = WALK, "wind-tunnel"
ARM = "recommended"
TRAIN, BENCHMARK = "v0.1", "v1.0"
STEPS = (
    "Scenes through the filters",
    "Leakage checks",
    "Reviews",
    "Differences settled",
    "Twins looked at",
    "Releases frozen",
    "Training",
    "Answers and scores",
    "Report",
)


@dataclass(frozen=True)
class WalkProgress:
    """How far a walk is."""

    step: int
    """Place in `STEPS`."""
    done: float = 0.0
    total: float = 1.0
    told: str = ""


Observer = Callable[[WalkProgress], None]


@dataclass(frozen=True)
class WalkEnd:
    """What a walk left."""

    page: Path
    before: float
    """R_0 on the benchmark, 0 to 1."""
    after: float


def walk(settings: Settings, plan: WalkPlan, *, observer: Observer) -> WalkEnd:
    """Walk what is left of the path and write the report.

    Raises:
        WalkRefused: the workspace is not the walk's own, another walk is under way, the extra `models` is not
            installed, or a step failed.
        AppError, StorageError: as the steps say.
    """
    with _refuse_plainly():
        require_libraries("the walk trains a small model", "torch", "transformers")
    workspace, _ = prepare_workspace(settings, starter=False, people=walk_people.PEOPLE)
    folder = settings.home / FOLDER
    try:
        busy = WalkRefused(f"another walk is under way in {settings.home}; wait for it, or give another folder")
        with hold_lock(folder / "lock", busy=busy):
            refuse_foreign(workspace)
            return _Walk(workspace, plan, folder, observer).run()
    finally:
        workspace.close()


class _Walk:
    def __init__(self, workspace: Workspace, plan: WalkPlan, folder: Path, observer: Observer) -> None:
        self._workspace, self._plan, self._folder, self._observer = workspace, plan, folder, observer
        self._step = 0

    def run(self) -> WalkEnd:
        candidates = list_candidates(self._plan)
        self._propose(candidates)
        self._ask_people(candidates)
        self._release(candidates)
        self._train()
        self._judge()
        self._begin(8)
        results = read_walk(self._workspace, self._folder / TUNNEL, train=TRAIN, benchmark=BENCHMARK)
        page = self._folder / PAGE
        write_walk_page(results, page, notice=NOTICE)
        self._tell(1, 1)
        return WalkEnd(page, *read_rates(results))

    def _begin(self, step: int) -> None:
        self._step = step
        self._tell(0, 1)

    def _tell(self, done: float, total: float, told: str = "") -> None:
        self._observer(WalkProgress(self._step, done, total, told))

    def _propose(self, candidates: list[Candidate]) -> None:
        self._begin(0)
        for number, candidate in enumerate(candidates, 1):
            add_candidate(self._workspace, candidate)
            self._tell(number, len(candidates))

    def _ask_people(self, candidates: list[Candidate]) -> None:
        script, most = walk_people.write_script(candidates), 2 * len(candidates)

        def count(done: int) -> None:
            self._tell(done, max(most, done), f"{done:,} answered")

        for step, work in (
            (1, partial(walk_people.check_leaks, self._workspace)),
            (2, partial(walk_people.review_all, self._workspace, script)),
            (3, partial(walk_people.settle_all, self._workspace)),
            (4, partial(walk_people.look_at_twins, self._workspace)),
        ):
            self._begin(step)
            work(count)
            self._tell(1, 1)

    def _release(self, candidates: list[Candidate]) -> None:
        self._begin(5)
        trained: set[Split] = {"train"}
        with self._workspace.db.read() as session:
            query = select(ItemRow.id).where(
                ItemRow.batch == BATCH, col(ItemRow.stage).in_([Stage.REVIEWED.value, Stage.RELEASED.value])
            )
            approved = set(session.exec(query))
        for version, split, notes in (
            (TRAIN, "train", "Toy scenes for the wind tunnel's training."),
            (BENCHMARK, "benchmark", "Toy scenes that no training holds."),
        ):
            wanted = [c.item_id for c in candidates if (c.split in trained) == (split == "train")]
            try:
                releases.find_line(self._workspace, version)
            except NotFound:
                releases.freeze(
                    self._workspace, version=version, split=split, notes=notes, actor=f"user:{walk_people.SETTLER}",
                    item_ids=[item_id for item_id in wanted if item_id in approved],
                )  # fmt: skip
        self._tell(1, 1)

    def _train(self) -> None:
        self._begin(6)
        out = self._folder / TUNNEL
        share_cache(self._workspace, out)

        def observe(progress: Progress) -> None:
            self._tell(progress.done, progress.total, " | ".join(progress.doing) or progress.last)

        wind_tunnel.run(make_tunnel_request(self._workspace, out), observer=observe)
        self._tell(1, 1)

    def _judge(self) -> None:
        self._begin(7)
        self._tell(0, 1, "loading the models")
        opened = releases.open_release(self._workspace, version=BENCHMARK)
        request = make_tunnel_request(self._workspace, self._folder / TUNNEL)
        place = make_walk_place(self._workspace, self._folder, load_models(request, know_scenes([opened])))
        for number, asked in enumerate(RUNS):

            def observe(state: SittingState, _: Ledger, number: int = number, title: str = asked.title) -> None:
                self._tell(number + state.done / max(1, state.asked), len(RUNS), f"{title}: {state.done:,}")

            judge_model(place, self._workspace, asked, release=BENCHMARK, folder=self._folder, observer=observe)


def load_models(request: TunnelRequest, scenes: KnownScenes) -> dict[str, ChatEndpoint]:
    """Return the model before RL, the trained one and the oracle as endpoints.

    Raises:
        WalkRefused: the training is not finished.
    """
    from caspo.wind_tunnel.reloading import reload_models

    assert request.make_world is not None
    config = wind_tunnel.make_config(request)
    with _refuse_plainly():
        pair = reload_models(request.make_world(), config, request.out, arm=ARM, start=config.stage_zero.seed, seed=0)
    return make_models(pair.start, pair.trained, scenes)


def make_tunnel_request(workspace: Workspace, out: Path) -> TunnelRequest:
    """Return what the wind tunnel is asked for: a quick run of one arm, on the scenes of the training release.

    It goes on where stage 0 just misses its gate, as another CPU's may; the report then says so.
    """
    line = releases.find_line(workspace, TRAIN)
    world = partial(open_curated_world, HazardWorld(), line.folder, line.digest, **QUICK_HAZARDS)
    return TunnelRequest(out, quick=True, arms=(ARM,), force=True, make_world=world)


def share_cache(workspace: Workspace, out: Path) -> None:
    """Let the walk's stage 0 be that of the workspace's quick wind tunnel, whose cache goes by content."""
    cache = workspace.settings.home / FOLDERS["quick"] / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "cache").exists():
        (out / "cache").symlink_to(Path("..", "..", FOLDERS["quick"], "cache"), target_is_directory=True)


@contextmanager
def _refuse_plainly() -> Iterator[None]:
    try:
        yield
    except (CaspoError, EndpointError, JudgingRefused) as exc:
        raise WalkRefused(str(exc)) from exc
