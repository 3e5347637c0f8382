"""A judge run: release x model x mode. Answers are sampled, then judged; both stream over the release.

A resume is the same run again. What stands in the run's files is not asked again; a reply that was received but not
yet written comes from the cache. A failed call is data and is tried again by a resume.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from endpoints.batch import count_open
from endpoints.chat import ChatEndpoint
from endpoints.errors import EndpointError
from endpoints.ledger import calls_about
from endpoints.seeds import derive_seed
from judge.config import AnswerConfig, JudgeRole, ScoreConfig
from judge.errors import ConfigInvalid
from judge.parsing import Scored, Unscored, ask_judge
from judge.prompting import build_judge_call, hash_judge_prompt
from judge.record_log import RecordLog, name_answer, name_judgment, open_answers, open_judgments
from judge.rubric import Rubric
from judge.run_folder import RunFolder
from judge.targets import Target, ask_target, read_picture
from storage.judgment_records import Judgment, ModelResponse
from storage.record import Provenance
from storage.release_files import Release
from storage.release_rows import ReleasedItem, is_twin

OPEN_ITEMS = 96  # each holds a picture in memory


@dataclass
class SittingState:
    """How far a sitting is, for whoever shows it."""

    asked: int
    """Answers, or judgments, that the run wants in all; judgments of answers that exist."""
    counts: Counter[str] = field(default_factory=Counter)
    """`answered`, `scored` or the reason against it -> number, those of earlier sittings included."""
    stopped: str = ""
    """Why the sitting ends early; empty while it does not."""

    @property
    def done(self) -> int:
        """How many have come to something."""
        return self.counts.total()


Observer = Callable[[SittingState], None]


def is_settled(record: ModelResponse | Judgment | None) -> bool:
    """Whether `record` needs no further try."""
    if record is None:
        return False
    return (record.unanswered if isinstance(record, ModelResponse) else record.unscored) != "failed"


class _Sitting:
    """What both kinds of sitting have: a state that an observer is told of, and an early end."""

    def __init__(self, state: SittingState, observer: Observer | None) -> None:
        self.state = state
        self._observer = observer or (lambda state: None)

    def stop(self, reason: str) -> None:
        """Begin nothing new; what is under way finishes."""
        self.state.stopped = self.state.stopped or reason

    def _count_as(self, outcome: str) -> None:
        self.state.counts[outcome] += 1
        self._observer(self.state)


class Answering(_Sitting):
    """One sitting that samples answers."""

    def __init__(
        self, *, folder: RunFolder, release: Release, target: Target, observer: Observer | None = None
    ) -> None:
        """Check the parts against each other; nothing is asked yet.

        Raises:
            ConfigInvalid: the release is not the run's, or the mode lacks what it needs.
        """
        check_release(release, target.config.release_digest)
        config = target.config
        twins = check_twins(release, config)
        needed = {"malicious": target.texts.variants, "constitution": target.texts.constitutions}
        if config.mode in needed and not needed[config.mode]:
            raise ConfigInvalid(
                f"mode {config.mode} needs its texts and there are none; give --variants or --constitutions"
            )
        if config.mode == "caption" and config.caption != "own" and target.captioner is None:
            raise ConfigInvalid(f"caption {config.caption} needs a captioner; give an endpoint the role captioner")
        super().__init__(SittingState(asked=(release.manifest.items + twins) * config.samples), observer)
        self.target = target
        self.release = release
        self._folder = folder

    async def run(self) -> SittingState:
        """Ask for every answer that is missing.

        Raises:
            LogDamaged: the run's files cannot be read or written.
            ReleaseInvalid: a data file of the release is damaged.
        """
        log = open_answers(self._folder.responses, write=True)
        try:
            await stream(
                self.release,
                lambda item: self._take(item, log),
                is_stopped=lambda: bool(self.state.stopped),
                places=count_open(OPEN_ITEMS, self.target.endpoint, self.target.captioner),
            )
        finally:
            log.close()
        return self.state

    def _take(self, item: ReleasedItem, log: RecordLog[ModelResponse]) -> list[Callable[[], Awaitable[None]]]:
        """Return what is to be done about one item."""
        work: list[Callable[[], Awaitable[None]]] = []
        for asked in _with_twin(item, twins=self.target.config.twins):
            for sample in range(self.target.config.samples):
                known = log.get(name_answer(asked.id, sample))
                if known is not None and is_settled(known):
                    self._count(known)
                else:
                    work.append(partial(self._ask, asked, sample, known, log))
        return work

    async def _ask(
        self, item: ReleasedItem, sample: int, failed: ModelResponse | None, log: RecordLog[ModelResponse]
    ) -> None:
        if self.state.stopped:
            return
        try:
            with calls_about(item.id):
                response = await ask_target(item, self.target, sample=sample)
        except EndpointError as exc:
            self.stop(str(exc))
            return
        if failed is not None:
            response = response.model_copy(update={"parent_id": failed.id})
        log.append(response)
        self._count(response)

    def _count(self, response: ModelResponse) -> None:
        self._count_as(response.unanswered or "answered")


@dataclass(frozen=True)
class Judge:
    """One judge of the panel."""

    role: JudgeRole
    endpoint: ChatEndpoint


class Scoring(_Sitting):
    """One sitting that judges the answers of a run."""

    def __init__(
        self,
        *,
        folder: RunFolder,
        release: Release,
        config: ScoreConfig,
        judges: Sequence[Judge],
        rubric: Rubric,
        observer: Observer | None = None,
    ) -> None:
        """Check the parts against each other; nothing is asked yet.

        Raises:
            ConfigInvalid: release, rubric or judges are not the run's.
            RunMissing: the run has no answers.
        """
        self.answers_config = folder.read_answer_config()
        check_release(release, self.answers_config.release_digest)
        wanted = (
            config.rubric_sha256, config.prompt_sha256, config.twin_prompt_sha256,
            [seat.role for seat in config.judges],
        )  # fmt: skip
        twin_prompt = hash_judge_prompt(rubric, twin=True) if self.answers_config.twins else None
        given = (rubric.sha256, hash_judge_prompt(rubric), twin_prompt, [judge.role for judge in judges])
        if wanted != given:
            raise ConfigInvalid("rubric, prompt or judges are not those of the scoring's config; build it of the same")
        super().__init__(SittingState(asked=0), observer)
        self.config = config
        self.judges = judges
        self.release = release
        self._folder = folder
        self._rubric = rubric

    async def run(self) -> SittingState:
        """Ask for every judgment that is missing.

        Raises:
            LogDamaged: the run's files cannot be read or written.
            ReleaseInvalid: a data file of the release is damaged.
        """
        answers = open_answers(self._folder.responses, write=False)
        self.state.asked = len(answers) * len(self.judges) * self.config.repeats
        log = open_judgments(self._folder.judgments, write=True)
        try:
            await stream(
                self.release,
                lambda item: self._take(item, answers, log),
                is_stopped=lambda: bool(self.state.stopped),
                places=count_open(OPEN_ITEMS, *(judge.endpoint for judge in self.judges)),
            )
        finally:
            answers.close()
            log.close()
        return self.state

    def _take(
        self, item: ReleasedItem, answers: RecordLog[ModelResponse], log: RecordLog[Judgment]
    ) -> list[Callable[[], Awaitable[None]]]:
        work: list[Callable[[], Awaitable[None]]] = []
        for asked in _with_twin(item, twins=self.answers_config.twins):
            work += self._take_one(asked, answers, log)
        return work

    def _take_one(
        self, item: ReleasedItem, answers: RecordLog[ModelResponse], log: RecordLog[Judgment]
    ) -> list[Callable[[], Awaitable[None]]]:
        work: list[Callable[[], Awaitable[None]]] = []
        for sample in range(self.answers_config.samples):
            response = answers.get(name_answer(item.id, sample))
            if response is None:
                continue
            if response.unanswered is not None:
                self.state.asked -= len(self.judges) * self.config.repeats
                continue
            for judge in self.judges:
                for repeat in range(self.config.repeats):
                    known = log.get(name_judgment(response.id, judge.role, repeat))
                    if known is not None and is_settled(known):
                        self._count(known)
                    else:
                        work.append(partial(self._ask, item, response, judge, repeat, known, log))
        return work

    async def _ask(
        self,
        item: ReleasedItem,
        response: ModelResponse,
        judge: Judge,
        repeat: int,
        failed: Judgment | None,
        log: RecordLog[Judgment],
    ) -> None:
        if self.state.stopped:
            return
        call = build_judge_call(
            query=response.asked,
            hidden_hazard=item.hidden_hazard,
            answer=response.text,
            image=read_picture(item),
            rubric=self._rubric,
            secret=self._folder.secret,
            twin=is_twin(item.id),
            repeat=repeat,
            temperature=self.config.temperature,
            max_tokens=self.config.max_tokens,
            seed=derive_seed(self.config.seed, "judge", repeat),
        )
        with calls_about(item.id):
            result = await ask_judge(judge.endpoint, call)
        if isinstance(result, Unscored) and result.stops_run:
            self.stop(result.reason)
            return
        judgment = self._record(response, judge, repeat, result, failed)
        log.append(judgment)
        self._count(judgment)

    def _record(
        self, response: ModelResponse, judge: Judge, repeat: int, result: Scored | Unscored, failed: Judgment | None
    ) -> Judgment:
        model = judge.endpoint.model
        made = Provenance(
            actor=model,
            tool="judge.benchmark",
            model=model,
            prompt_sha256=(self.config.twin_prompt_sha256 if is_twin(response.item_id) else self.config.prompt_sha256),
            config_sha256=self.config.sha256,
            seed=derive_seed(self.config.seed, "judge", repeat),
            created_at=self._folder.started_at,
        )
        if isinstance(result, Scored):
            given = result.reply.model_dump(exclude={"call"}) | {"raw_reply": result.raw}
        else:
            given = {
                "unscored": result.state,
                "unscored_kind": result.kind,
                "unscored_reason": result.reason,
                "raw_reply": result.raw,
            }
        return Judgment(
            response_id=response.id,
            judge=judge.role,
            model=model,
            repeat=repeat,
            rubric_sha256=self.config.rubric_sha256,
            parent_id=failed.id if failed else None,
            provenance=made,
            **given,
        )

    def _count(self, judgment: Judgment) -> None:
        self._count_as(judgment.unscored or "scored")


def _with_twin(item: ReleasedItem, *, twins: bool) -> Iterator[ReleasedItem]:
    """Yield what is asked about: the item and, with `twins`, its twin where it has one."""
    yield item
    if twins and item.has_twin:
        yield item.as_twin()


def count_twins(release: Release) -> int:
    """Return how many rows of a release hold a twin."""
    return sum(sha256 is not None for (sha256,) in release.iterate_columns("twin_image_sha256"))


def check_twins(release: Release, config: AnswerConfig) -> int:
    """Return how many twins of `release` are asked about.

    Raises:
        ConfigInvalid: they are asked for, and there are none, or the mode has no use for them.
    """
    if not config.twins:
        return 0
    if config.mode == "malicious":
        raise ConfigInvalid("twins are not for mode malicious: a warning about a bad intent is no over-warning")
    if not (twins := count_twins(release)):
        raise ConfigInvalid(f"release {release.manifest.version} holds no twins; leave --twins out")
    return twins


def check_release(release: Release, digest: str) -> None:
    """Refuse a release that is not the run's.

    Raises:
        ConfigInvalid: its digest is another.
    """
    if release.manifest.digest != digest:
        raise ConfigInvalid(
            f"release {release.manifest.version} has the digest {release.manifest.digest} and the run was started on "
            f"{digest}; give the same release, or start a run of another name"
        )


async def stream(
    release: Release,
    take: Callable[[ReleasedItem], list[Callable[[], Awaitable[None]]]],
    *,
    is_stopped: Callable[[], bool],
    places: int,
) -> None:
    """Walk over the release in order; do what `take` returns for each item, at most `places` items at once."""
    free = asyncio.Semaphore(places)
    items: Iterator[ReleasedItem] = release.iterate_items()

    async def finish(work: list[Callable[[], Awaitable[None]]]) -> None:
        try:
            await asyncio.gather(*(each() for each in work))
        finally:
            free.release()

    try:
        async with asyncio.TaskGroup() as group:
            while not is_stopped():
                await free.acquire()
                item = await asyncio.to_thread(next, items, None)
                if item is None:
                    break
                if work := take(item):
                    group.create_task(finish(work))
                else:
                    free.release()
    except* Exception as failures:
        raise _first_leaf(failures) from None


def _first_leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first_leaf(first) if isinstance(first, BaseExceptionGroup) else first
