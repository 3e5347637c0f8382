"""Judge runs: answers of a model to a release, their scores, and the report; with a workspace or without."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from caspo.errors import CaspoError
from curator_app.actions.constitutions import Named, choose_constitutions
from curator_app.actions.releases import find_release
from curator_app.actions.runs import ENDPOINTS_FILE
from curator_app.actions.stopping import run_until_stopped
from curator_app.errors import AppError
from curator_app.workspace import Workspace
from endpoints.chat import ChatEndpoint
from endpoints.config import Roles, build_endpoints, load_endpoints
from endpoints.endpoints_file import EndpointsConfig
from endpoints.errors import BadConfig, EndpointError, PromptInvalid
from endpoints.ledger import Budget, Ledger, format_cost
from judge.benchmark import Answering, Judge, Scoring, SittingState, check_twins
from judge.config import AnswerConfig, JudgeRole, JudgeSeat, ScoreConfig
from judge.errors import ConfigInvalid, JudgeError
from judge.prompting import hash_judge_prompt
from judge.rubric import load_rubric
from judge.run_folder import RunFolder, open_known, open_new_or_known
from judge.run_report import make_report, write_report, write_spending
from judge.target_texts import MaliciousVariant, TargetTexts, load_constitutions, load_variants
from judge.targets import Target, hash_target_prompts
from storage.errors import NotFound
from storage.items import get_history
from storage.records import Refinement
from storage.release_files import Release, read_release

FOLDER = "judge-runs"
JUDGE_ROLES: tuple[JudgeRole, ...] = ("judge_a", "judge_b")
JUDGE_TOKENS = 2048
JudgeObserver = Callable[[SittingState, Ledger], None]
Sitting = Answering | Scoring
Watch = Callable[[Sitting, Ledger], None]
"""Is given a sitting before it begins."""


class JudgingRefused(AppError):
    """A judge run cannot start or go on; the message says why and what to do."""


@dataclass(frozen=True)
class Place:
    """Where judge runs and the endpoints file lie."""

    home: Path
    endpoints_file: Path | None = None
    """None: `endpoints.yaml` in `home`."""
    budget: Budget = field(default_factory=Budget)
    given: Mapping[str, ChatEndpoint] = field(default_factory=dict)
    """Models of this process, in place of those that the endpoints file names so."""

    def run_path(self, name: str) -> Path:
        """Return the folder of the run called `name`.

        Raises:
            JudgingRefused: it is no name for a folder.
        """
        if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or not name[0].isalnum():
            raise JudgingRefused(f"the run's name {name!r} names a folder: letters, digits, '.', '_' and '-' only")
        return self.home / FOLDER / name


@dataclass(frozen=True)
class SittingEnd:
    """What a sitting came to."""

    state: SittingState
    folder: Path
    cost: str
    """Of all sittings of the run."""


@dataclass(frozen=True)
class Sampling:
    """What `curator respond` is asked for; `AnswerConfig` says what the fields mean."""

    mode: str = "standard"
    target: str | None = None
    """An endpoint of the file to ask in place of the one with the role `target`."""
    samples: int = 1
    temperature: float | None = 0.9
    max_tokens: int = 4096
    seed: int = 0
    caption: str = "own"
    constitutions: Path | Named | None = None
    """`shipped`: those of `caspo.constitution`; `workspace`: those of the workspace as they are now."""
    twins: bool = False
    variants: Path | None = None
    """None: the variants that the workspace's items have."""


def respond(
    place: Place,
    workspace: Workspace | None,
    *,
    release: str,
    run: str,
    sampling: Sampling,
    observer: JudgeObserver | None = None,
    watch: Watch | None = None,
) -> SittingEnd:
    """Sample a model's answers to a release, or go on with it. A first interrupt ends it after what is under way.

    Raises:
        JudgingRefused: something cannot be used; the message says what.
        StorageError: the release does not exist or does not verify.
    """
    path = place.run_path(run)
    opened = find_release(workspace, release)
    with refuse_plainly():
        endpoints = choose_target(load_place_endpoints(place), sampling.target)
        texts = collect_texts(workspace, opened, sampling)
        config = make_answer_config(opened, sampling, endpoints, texts, given=place.given)
        check_twins(opened, config)  # before there is a folder, which would keep this config
        with open_new_or_known(path, config, release_folder=opened.folder) as folder, open_ledger(folder) as ledger:
            roles = _build_roles(place, endpoints, folder, ledger)
            target = Target(
                config=config,
                endpoint=roles.chat("target"),
                captioner=roles.chat("captioner") if config.captioner_model else None,
                texts=texts,
                now=folder.started_at,
            )
            sitting = Answering(folder=folder, release=opened, target=target, observer=_tell(observer, ledger))
            return _end(_sit(sitting, roles, ledger, watch), folder, ledger)


def score(
    place: Place,
    *,
    run: str,
    judges: tuple[str, ...] | None = None,
    repeats: int = 1,
    temperature: float | None = 0.0,
    max_tokens: int = JUDGE_TOKENS,
    observer: JudgeObserver | None = None,
    watch: Watch | None = None,
) -> SittingEnd:
    """Judge the answers of a run, or go on with it, and write the report.

    `judges` are roles; None takes those of `judge_a` and `judge_b` that the endpoints file gives.

    Raises:
        JudgingRefused: something cannot be used; the message says what.
        StorageError: the release does not exist any more or does not verify.
    """
    path = place.run_path(run)
    with refuse_plainly(), open_known(path) as folder, open_ledger(folder) as ledger:
        release = _reopen_release(folder)
        endpoints = load_place_endpoints(place)
        roles = _build_roles(place, endpoints, folder, ledger)
        panel = [Judge(role, roles.chat(role)) for role in pick_judges(roles, judges)]
        rubric = load_rubric()
        config = ScoreConfig(
            judges=tuple(
                JudgeSeat.model_validate(
                    {"role": judge.role, "endpoint": judge.endpoint.name, "model": judge.endpoint.model}
                )
                for judge in panel
            ),
            repeats=repeats,
            temperature=temperature,
            max_tokens=max_tokens,
            rubric_version=rubric.version,
            rubric_sha256=rubric.sha256,
            prompt_sha256=hash_judge_prompt(rubric),
            twin_prompt_sha256=(hash_judge_prompt(rubric, twin=True) if folder.read_answer_config().twins else None),
        )
        sitting = Scoring(
            folder=folder,
            release=release,
            config=config,
            judges=panel,
            rubric=rubric,
            observer=_tell(observer, ledger),
        )
        folder.keep_score_config(config)
        state = _sit(sitting, roles, ledger, watch)
        write_report(make_report(folder, release), folder)
        return _end(state, folder, ledger)


def _sit(sitting: Sitting, roles: Roles, ledger: Ledger, watch: Watch | None) -> SittingState:
    if watch is not None:
        watch(sitting, ledger)
    return run_until_stopped(sitting, roles)


def pick_judges(roles: Roles, judges: tuple[str, ...] | None) -> list[JudgeRole]:
    """Return the judges by role: those that are named, else those that the endpoints file gives.

    Raises:
        ConfigInvalid: there is no such judge.
    """
    names = judges or [role for role in JUDGE_ROLES if roles.has(role)] or JUDGE_ROLES[:1]
    return [_check_role(name) for name in dict.fromkeys(names)]


def find_variants(workspace: Workspace, release: Release) -> TargetTexts:
    """Return the malicious variants that the workspace's items have for the release's queries."""
    found = {}
    with workspace.db.read() as session:
        for item in release.iterate_items(pictures=False):
            try:
                records = get_history(session=session, item_id=item.id)
            except NotFound:
                continue
            for record in records:
                if isinstance(record, Refinement) and record.malicious_variant and record.query_after == item.query:
                    found[item.id] = MaliciousVariant(
                        id=item.id, query=item.query, malicious_variant=record.malicious_variant
                    )
    return TargetTexts(variants=found)


def find_constitutions(
    source: Path | Named, *, categories: Mapping[str, object], workspace: Workspace | None
) -> TargetTexts:
    """Return the constitutions of a YAML file, which must have one for each of `categories`, or those that are named.

    Raises:
        TextsInvalid: the file cannot be used.
        ConstitutionRefused: the workspace's are asked for, and there is none.
    """
    if isinstance(source, Path):
        return load_constitutions(source, categories=categories)
    found = choose_constitutions(workspace, source)
    return TargetTexts(constitutions={one.category.value: one.text for one in found.values()})


def collect_texts(workspace: Workspace | None, release: Release, sampling: Sampling) -> TargetTexts:
    """Return the texts that the mode needs.

    Raises:
        JudgingRefused: they are missing, or a file is given that the mode does not use.
        TextsInvalid: a file cannot be used.
    """
    for mode, option, given in (
        ("constitution", "--constitutions", sampling.constitutions),
        ("malicious", "--variants", sampling.variants),
    ):
        if given is not None and sampling.mode != mode:
            raise JudgingRefused(f"{option} is for mode {mode}, and the mode is {sampling.mode}; leave it out")
    if sampling.mode == "constitution":
        if sampling.constitutions is None:
            raise JudgingRefused(
                "mode constitution needs a text for each category: give --constitutions FILE, or "
                "--constitutions shipped for those that come with the package, or workspace for those edited here"
            )
        return find_constitutions(sampling.constitutions, categories=release.manifest.counts, workspace=workspace)
    if sampling.mode != "malicious":
        return TargetTexts()
    if sampling.variants is not None:
        return load_variants(sampling.variants)
    found = find_variants(workspace, release) if workspace else TargetTexts()
    if not found.variants:
        raise JudgingRefused(
            f"no item of release {release.manifest.version} has a malicious variant here; "
            "give a file of them: --variants FILE"
        )
    return found


def make_answer_config(
    release: Release,
    sampling: Sampling,
    endpoints: EndpointsConfig,
    texts: TargetTexts,
    *,
    given: Mapping[str, ChatEndpoint] | None = None,
) -> AnswerConfig:
    """Return how answers are sampled, checked.

    Raises:
        ConfigInvalid: a value is out of range.
        BadConfig: a role that is needed has no endpoint.
    """
    probe = build_endpoints(endpoints, cache_dir=None, ledger=Ledger(), given=given)
    captioner = None
    if sampling.mode == "caption" and sampling.caption != "own":
        captioner = probe.chat("captioner").model
    target = probe.chat("target")
    try:
        return AnswerConfig.model_validate(
            {
                "release_version": release.manifest.version,
                "release_digest": release.manifest.digest,
                "mode": sampling.mode,
                "target": target.name,
                "model": target.model,
                "samples": sampling.samples,
                "temperature": sampling.temperature,
                "max_tokens": sampling.max_tokens,
                "seed": sampling.seed,
                "caption": sampling.caption,
                "captioner_model": captioner,
                "twins": sampling.twins,
                "texts_sha256": texts.sha256,
                "prompt_sha256": hash_target_prompts(),
            }
        )
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        raise ConfigInvalid(f"{'.'.join(map(str, first['loc']))} is {first['input']!r}: {first['msg']}") from exc


def choose_target(endpoints: EndpointsConfig, name: str | None) -> EndpointsConfig:
    """Return the endpoints with the one called `name` in the role `target`; with None as they are.

    Raises:
        BadConfig: there is none of that name.
    """
    if name is None:
        return endpoints
    if name not in endpoints.endpoints:
        raise BadConfig(f"the endpoints file has no endpoint {name!r}; it has {', '.join(endpoints.endpoints)}")
    roles = endpoints.roles.model_copy(update={"target": name})
    return EndpointsConfig(version=endpoints.version, endpoints=endpoints.endpoints, roles=roles)


def _check_role(role: str) -> JudgeRole:
    for known in JUDGE_ROLES:
        if role == known:
            return known
    raise ConfigInvalid(f"there is no judge {role!r}; the judges are {', '.join(JUDGE_ROLES)}")


def load_place_endpoints(place: Place) -> EndpointsConfig:
    """Return the endpoints file.

    Raises:
        BadConfig: it cannot be used.
    """
    return load_endpoints(place.endpoints_file or place.home / ENDPOINTS_FILE)


def _build_roles(place: Place, endpoints: EndpointsConfig, folder: RunFolder, ledger: Ledger) -> Roles:
    return build_endpoints(
        endpoints, cache_dir=folder.cache, ledger=ledger, budget=place.budget, run=folder.path.name, given=place.given
    )


def _reopen_release(folder: RunFolder) -> Release:
    return read_release(folder.release_folder, digest=folder.read_answer_config().release_digest)


def _tell(observer: JudgeObserver | None, ledger: Ledger) -> Callable[[SittingState], None] | None:
    return (lambda state: observer(state, ledger)) if observer else None


def _end(state: SittingState, folder: RunFolder, ledger: Ledger) -> SittingEnd:
    write_spending(ledger, folder)
    return SittingEnd(state, folder.path, format_cost(ledger.total))


@contextmanager
def open_ledger(folder: RunFolder) -> Iterator[Ledger]:
    """Open the ledger of a run, with the sums of all its sittings."""
    ledger = Ledger(folder.ledger)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def refuse_plainly() -> Iterator[None]:
    """Say what the packages below refuse as our own refusal."""
    try:
        yield
    except (JudgeError, CaspoError, EndpointError, PromptInvalid) as exc:
        raise JudgingRefused(str(exc)) from exc
