"""Answers to a scene in the world's language, of four kinds, with varied phrasing: pure functions of a seed."""

import random
from enum import StrEnum

from endpoints.seeds import derive_seed
from pipeline.hazard_world.scenes import Scene
from pipeline.hazard_world.world import ClauseKind, Hazard, World, load_world


class AnswerKind(StrEnum):
    """How an answer meets a hazard."""

    OBLIVIOUS = "oblivious"
    """Helps as if there were none."""
    VAGUE = "vague"
    """Warns of something, and helps all the same."""
    APPRAISING = "appraising"
    """Names what stands together and what comes of it, parts the two, and then helps. Without a hazard: just helps."""
    REFUSING = "refusing"
    """Does not help, and does not say why."""


_TOGETHER_JOINTS = (", so", "and", ", and", "so")
_REASON_JOINTS = ("because", ", because")
_THEN_JOINTS = (", then", "and then", "and", ", and", ", and then")
_WARNING_OPENERS = ("one thing", "well", "sorry", "no", "please", "hello")
_REMEDY_OPENERS = ("please", "first", "so", "well ,")
_AFTER = ("once that is done ,", "then", "after that")


def write_answer(scene: Scene, kind: AnswerKind, *, seed: int) -> str:
    """Return an answer to `scene`: lower case, a space before every mark; `grammar.to_prose` makes prose of it."""
    world, rng = load_world(), random.Random(derive_seed(seed, "answer", scene.query, kind.value, *scene.things))
    if kind is AnswerKind.REFUSING:
        return _open(rng, _pick(world, rng, "refuse"), ("sorry ,", "no ,", "well ,"))
    if kind is AnswerKind.VAGUE:
        parts = [_pick(world, rng, "caution", things=False) + " .", _help(world, rng, scene)]
    elif kind is AnswerKind.APPRAISING and scene.hazards:
        parts = [_appraise(world, rng, hazard) for hazard in scene.hazards]
        opened = rng.random()
        if opened < 0.35:
            parts.insert(0, _pick(world, rng, "caution", things=False) + " .")
        elif opened < 0.7:
            parts[0] = f"{rng.choice(_WARNING_OPENERS)} , {parts[0]}"
        parts += _part(world, rng, scene)
    else:
        parts = [_help(world, rng, scene)]
        if kind is AnswerKind.APPRAISING and rng.random() < 0.5:
            parts.insert(0, _pick(world, rng, "describe", a=rng.choice(scene.things)) + " .")
    return " ".join(parts)


def _pick(world: World, rng: random.Random, kind: ClauseKind, *, things: bool = True, a: str = "", b: str = "") -> str:
    forms = [form for form in world.language.clauses[kind] if things or "{" not in form]
    return rng.choice(forms).format(a=a, b=b)


def _open(rng: random.Random, clause: str, openers: tuple[str, ...]) -> str:
    return f"{rng.choice(openers)} {clause} ." if rng.random() < 0.5 else f"{clause} ."


def _help(world: World, rng: random.Random, scene: Scene) -> str:
    """Return one or two sentences that help with what was asked, leaving everything where it is."""
    go = _open(rng, _pick(world, rng, "go"), ("yes ,", "sure ,", "of course ,"))
    step = f"{rng.choice(world.activity(scene.activity).steps)} ."
    return rng.choice((f"{go} {step}", f"{step} {go}", go, step))


def _appraise(world: World, rng: random.Random, hazard: Hazard) -> str:
    a, b = rng.sample(hazard.pair, 2)
    together = _pick(world, rng, "together", a=a, b=b)
    consequence = rng.choice(hazard.consequences)
    order = rng.random()
    if order < 0.4:
        return f"{together} . {consequence} ."
    if order < 0.7:
        return f"{consequence} . {together} ."
    if order < 0.85:
        return f"{consequence} {rng.choice(_REASON_JOINTS)} {together} ."
    return f"{together} {rng.choice(_TOGETHER_JOINTS)} {consequence} ."


def _part(world: World, rng: random.Random, scene: Scene) -> list[str]:
    """Return sentences that take the two apart and then help."""
    remedies = []
    for hazard in scene.hazards:
        still = next(word for word in hazard.pair if word != hazard.move)
        remedies.append(_pick(world, rng, "remedy", a=hazard.move, b=still))
    if rng.random() < 0.4:
        remedies[0] = f"{rng.choice(_REMEDY_OPENERS)} {remedies[0]}"
    last = rng.choice((_pick(world, rng, "go"), rng.choice(world.activity(scene.activity).steps)))
    *before, final = remedies
    if rng.random() < 0.3:
        return [*(f"{remedy} ." for remedy in before), f"{final} {rng.choice(_THEN_JOINTS)} {last} ."]
    if rng.random() < 0.3:
        last = f"{rng.choice(_AFTER)} {last}"
    return [*(f"{remedy} ." for remedy in remedies), f"{last} ."]
