"""From what a maintainer fills in to judge runs, and the plan of them before they start."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from curator_app.actions.constitutions import SHIPPED, WORKSPACE, read_current, write_policies
from curator_app.actions.folder_names import check_folder_name
from curator_app.actions.judge_jobs import JudgeRequest, list_endpoints_files, make_place
from curator_app.actions.judging import (
    JUDGE_TOKENS,
    JudgingRefused,
    Sampling,
    choose_target,
    collect_texts,
    find_constitutions,
    load_place_endpoints,
    make_answer_config,
    pick_judges,
    refuse_plainly,
)
from curator_app.actions.releases import open_release, read_releases
from curator_app.workspace import Workspace
from endpoints.config import EndpointCheck, Roles, build_endpoints, check_endpoints
from endpoints.endpoints_file import CHAT_KINDS, EndpointsConfig, RolesConfig
from endpoints.errors import EndpointError
from endpoints.ledger import IMAGE_TOKENS, Budget, Ledger
from endpoints.messages import Usage
from judge.benchmark import check_twins, count_twins
from judge.config import MODES, AnswerConfig
from judge.prompting import load_judge_prompt
from judge.rubric import load_rubric
from judge.target_texts import TargetTexts, read_constitutions
from judge.targets import CAPTION_TOKENS, find_lack
from pipeline.run_plan import CHARACTERS_PER_TOKEN, REPAIR, PlannedCalls, RunPlan, estimate_cost
from storage.errors import StorageError
from storage.release_files import Release

MAX_RUNS = 12
"""Each is a process of its own."""
MAX_CONSTITUTIONS_BYTES = 100_000


@dataclass(frozen=True)
class JudgeForm:
    """The fields as they were sent; numbers may be missing, since a person can empty them."""

    name: str
    release: str
    endpoints: str
    targets: tuple[str, ...]
    """Endpoints of the file; none: the one with the role `target`."""
    modes: tuple[str, ...]
    judges: tuple[str, ...]
    """Roles; none: those that the file gives."""
    samples: float | None = 1
    repeats: float | None = 1
    temperature: float | None = 0.9
    """None: the server's own."""
    max_tokens: float | None = 4096
    seed: float | None = 0
    caption: str = "own"
    constitutions: str = ""
    budget_usd: float | None = None
    """0 is none."""
    twins: bool = False
    """Whether the release's twins are asked about beside its items."""


@dataclass(frozen=True)
class JudgePlan:
    """What starting these runs would do."""

    requests: tuple[JudgeRequest, ...]
    plan: RunPlan
    not_asked: tuple[tuple[str, int], ...]
    """Run -> items that lack what its mode needs."""
    twins: int
    """How many twins each run asks about."""
    checks: tuple[EndpointCheck, ...]


@dataclass(frozen=True)
class Choices:
    """What the form offers."""

    releases: tuple[str, ...]
    endpoints: tuple[str, ...]
    targets: tuple[str, ...]
    judges: tuple[str, ...]
    problem: str = ""
    """Why the endpoints file cannot be used."""


def read_choices(workspace: Workspace) -> Choices:
    """Return what the form offers; the targets are those of the first endpoints file."""
    releases = tuple(line.version for line in read_releases(workspace))
    files = tuple(list_endpoints_files(workspace))
    if not files:
        return Choices(releases, (), (), ())
    try:
        found = load_place_endpoints(make_place(workspace))
    except EndpointError as exc:
        return Choices(releases, files, (), (), str(exc))
    chats = tuple(name for name, entry in found.endpoints.items() if entry.kind in CHAT_KINDS)
    judges = tuple(role for role in ("judge_a", "judge_b") if getattr(found.roles, role))
    return Choices(releases, files, chats, judges)


def make_requests(workspace: Workspace, form: JudgeForm) -> tuple[JudgeRequest, ...]:
    """Return a request for every target and mode of a form.

    Raises:
        JudgingRefused: a field cannot be used; the message names it with its value.
    """
    _check_choices(workspace, form)
    targets: tuple[str | None, ...] = tuple(dict.fromkeys(form.targets)) or (None,)
    modes = tuple(mode for mode in MODES if mode in form.modes)
    if len(targets) * len(modes) > MAX_RUNS:
        raise JudgingRefused(
            f"{len(targets)} targets in {len(modes)} modes are {len(targets) * len(modes)} runs, and {MAX_RUNS} start "
            "at once; choose fewer"
        )
    policies = form.constitutions.strip()
    if policies == WORKSPACE:  # as they are now, so that a resume finds what the run was begun with
        policies = write_policies(read_current(workspace))
    requests = []
    for target in targets:
        for mode in modes:
            parts = [form.name.strip(), target if len(targets) > 1 else None, mode if len(modes) > 1 else None]
            requests.append(
                JudgeRequest(
                    run=_check_name("-".join(filter(None, parts))),
                    release=form.release,
                    sampling=Sampling(
                        mode=mode,
                        target=target,
                        samples=_whole("samples", form.samples, 1, 64),
                        temperature=_check_temperature(form.temperature),
                        max_tokens=_whole("tokens of an answer", form.max_tokens, 1, 1_000_000),
                        seed=_whole("seed", form.seed, 0, 2**31),
                        caption=form.caption if mode == "caption" else "own",
                        twins=form.twins,
                    ),
                    constitutions=policies if mode == "constitution" else "",
                    judges=form.judges,
                    repeats=_whole("repeats", form.repeats, 1, 32),
                    endpoints=form.endpoints,
                    budget=Budget(usd=form.budget_usd or None),
                )
            )
    return tuple(requests)


def _check_choices(workspace: Workspace, form: JudgeForm) -> None:
    releases = [line.version for line in read_releases(workspace)]
    if form.release not in releases:
        known = ", ".join(releases) or "none yet; freeze one on the Releases page"
        raise JudgingRefused(f"there is no release {form.release[:80]!r}; there are: {known}")
    files = list_endpoints_files(workspace)
    if form.endpoints not in files:
        known = ", ".join(files) or "none yet; see docs/endpoint-config.md"
        raise JudgingRefused(f"the workspace has no endpoints file {form.endpoints[:80]!r}; it has: {known}")
    if unknown := [mode for mode in form.modes if mode not in MODES]:
        raise JudgingRefused(f"there is no mode {unknown[0][:80]!r}; the modes are {', '.join(MODES)}")
    if not form.modes:
        raise JudgingRefused(f"no mode is chosen; choose some of {', '.join(MODES)}")
    if form.twins and "malicious" in form.modes:
        raise JudgingRefused(
            "twins are asked about, and the mode malicious is chosen, in which a warning is no over-warning; take away "
            "the tick at one of the two"
        )
    if form.budget_usd is not None and form.budget_usd < 0:
        raise JudgingRefused(f"the budget is {form.budget_usd:g} dollars; give more than 0, or 0 for none")
    if "constitution" not in form.modes:
        return
    if len(form.constitutions.encode("utf-8", "replace")) > MAX_CONSTITUTIONS_BYTES:
        raise JudgingRefused(f"the constitutions have more than {MAX_CONSTITUTIONS_BYTES:,} bytes; shorten them")
    if not form.constitutions.strip():
        raise JudgingRefused(
            "mode constitution needs its texts: paste lines of `category: text` under "
            f"Constitutions, or write {WORKSPACE} there for those of the workspace, {SHIPPED} for those of the package"
        )


def _check_name(name: str) -> str:
    return check_folder_name(name, JudgingRefused, more="; several targets and modes add theirs to it")


def _whole(what: str, value: float | None, least: int, most: int) -> int:
    if value is None or value != int(value) or not least <= value <= most:
        shown = "empty" if value is None else f"{value:g}"
        raise JudgingRefused(f"{what}: {shown}; give a whole number from {least} to {most:,}")
    return int(value)


def _check_temperature(value: float | None) -> float | None:
    if value is not None and not 0 <= value <= 2:
        raise JudgingRefused(f"the temperature is {value:g}; give 0 to 2, or leave it empty for the server's own")
    return value


def plan(workspace: Workspace, requests: Sequence[JudgeRequest]) -> JudgePlan:
    """Count the calls of judge runs and try every endpoint with one cheap call. Nothing is written.

    Raises:
        JudgingRefused: something cannot be used; the message says what.
    """
    lines: list[PlannedCalls] = []
    not_asked: list[tuple[str, int]] = []
    twins = 0
    checks: dict[str, EndpointCheck] = {}
    try:
        with refuse_plainly():
            for request in requests:
                release = open_release(workspace, version=request.release)
                endpoints = choose_target(load_place_endpoints(make_place(workspace, request)), request.sampling.target)
                texts = _collect(workspace, release, request)
                config = make_answer_config(release, request.sampling, endpoints, texts)
                twins = _count_twins(release, config)
                roles = _build(endpoints, request)
                count, planned = _plan_one(request, release, config, texts, roles, twins=twins)
                lines += planned
                if count < release.manifest.items:
                    not_asked.append((request.run, release.manifest.items - count))
                checks |= asyncio.run(_check(_pick_used(roles, config, request), request, checks))
    except StorageError as exc:
        raise JudgingRefused(str(exc)) from exc
    items = sum(open_release(workspace, version=request.release).manifest.items for request in requests)
    return JudgePlan(tuple(requests), RunPlan(items, tuple(lines)), tuple(not_asked), twins, tuple(checks.values()))


def _count_twins(release: Release, config: AnswerConfig) -> int:
    if config.twins and not count_twins(release):
        raise JudgingRefused(
            f"release {release.manifest.version} holds no twins; take away the tick at twins, or choose a release that "
            "has some"
        )
    return check_twins(release, config)


def _collect(workspace: Workspace, release: Release, request: JudgeRequest) -> TargetTexts:
    if request.constitutions == SHIPPED:
        return find_constitutions(SHIPPED, categories=release.manifest.counts, workspace=workspace)
    if request.sampling.mode == "constitution":
        return read_constitutions(request.constitutions, name="as pasted", categories=release.manifest.counts)
    return collect_texts(workspace, release, request.sampling)


def _build(endpoints: EndpointsConfig, request: JudgeRequest) -> Roles:
    return build_endpoints(endpoints, cache_dir=None, ledger=Ledger(), budget=request.budget, run=request.run)


def _plan_one(
    request: JudgeRequest, release: Release, config: AnswerConfig, texts: TargetTexts, roles: Roles, *, twins: int
) -> tuple[int, list[PlannedCalls]]:
    """Return how many items can be asked, and the calls of one run."""
    items = [
        item for item in release.iterate_items(pictures=False) if find_lack(item, config=config, texts=texts) is None
    ]
    answers, price_of, rubric = (len(items) + twins) * config.samples, roles.config.price_of, load_rubric()
    longest = max((len(item.query) + len(item.hidden_hazard) for item in items), default=0)
    policy = max((len(text) for text in texts.constitutions.values()), default=0)
    asked = (longest + policy) // CHARACTERS_PER_TOKEN + IMAGE_TOKENS
    price = price_of(config.target, config.model)
    cost = None if price is None else answers * price.cost(Usage(asked, config.max_tokens))
    lines = [PlannedCalls(f"answers of {request.run}", "target", config.model, answers, answers, cost)]
    if config.captioner_model:
        price = price_of(roles.chat("captioner").name, config.captioner_model)
        usd = None if price is None else answers * price.cost(Usage(IMAGE_TOKENS + 500, CAPTION_TOKENS))
        lines.append(PlannedCalls("pictures described", "captioner", config.captioner_model, answers, answers, usd))
    prompts = ("score_answer", "score_twin_answer") if twins else ("score_answer",)
    ours = len(rubric.text) + max(len(load_judge_prompt(name).text) for name in prompts)
    shown = (ours + longest) // CHARACTERS_PER_TOKEN + IMAGE_TOKENS + config.max_tokens
    for role in pick_judges(roles, request.judges or None):
        judge, calls = roles.chat(role), answers * request.repeats
        usd = estimate_cost(price_of(judge.name, judge.model), shown, JUDGE_TOKENS, calls)
        lines.append(PlannedCalls(f"judgments of {request.run}", role, judge.model, calls, calls * REPAIR, usd))
    return len(items), lines


def _pick_used(roles: Roles, config: AnswerConfig, request: JudgeRequest) -> EndpointsConfig:
    """Return the endpoints with the roles that the run uses, and no other."""
    used = ["target", *pick_judges(roles, request.judges or None), *(["captioner"] if config.captioner_model else [])]
    named = {role: getattr(roles.config.roles, role) for role in used}
    return EndpointsConfig(
        version=roles.config.version, endpoints=roles.config.endpoints, roles=RolesConfig.model_validate(named)
    )


async def _check(
    used: EndpointsConfig, request: JudgeRequest, known: dict[str, EndpointCheck]
) -> dict[str, EndpointCheck]:
    """Try the endpoints that were not tried before."""
    named = {role: name for role, name in used.roles.pairs() if name not in known}
    fresh = EndpointsConfig(version=used.version, endpoints=used.endpoints, roles=RolesConfig.model_validate(named))
    roles = _build(fresh, request)
    try:
        return {check.name: check for check in await check_endpoints(roles)}
    finally:
        await roles.aclose()
