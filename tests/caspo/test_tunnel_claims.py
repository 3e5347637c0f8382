"""Verdicts on the paper's claims follow the stated rule, and arms are ranked by the goal."""

import re
from pathlib import Path

import pytest
from caspo_measured import make_measured, make_results, make_runs

from caspo.errors import PresetUnknown
from caspo.presets import Method, get_preset
from caspo.wind_tunnel.arms import ARMS, ScaleConfig, make_caspo_config
from caspo.wind_tunnel.claims import Claim, Statement, judge_claim, judge_claims, list_claims
from caspo.wind_tunnel.config import TunnelConfig
from caspo.wind_tunnel.measures import Key, Measured
from caspo.wind_tunnel.ranking import rank_arms

LOW = Claim("low", "R_0 is low.", "", (Statement("level", "r_0", "outr", high=0.1),))
LESS = Claim("less", "R_0 is less.", "", (Statement("difference", "r_0", "recommended", "outr", high=0.0),))


def verdict(claim: Claim, runs: dict[Key, Measured]) -> str:
    return judge_claim(make_results(outr=runs), claim).verdict


def test_a_level_is_decided_by_its_whole_interval() -> None:
    assert verdict(LOW, make_runs(r_0=0.0)) == "reproduced"
    assert verdict(LOW, make_runs(r_0=0.5)) == "not reproduced"
    assert verdict(LOW, make_runs(r_0=0.1)) == "undecided"
    assert verdict(LOW, {}) == "not tested"


def test_one_seed_on_the_other_side_leaves_it_undecided() -> None:
    runs = make_runs(starts=10, r_0=0.0)
    assert verdict(LOW, runs) == "reproduced"
    assert verdict(LOW, {**runs, (0, 0): make_measured(r_0=0.2)}) == "undecided"


def test_too_few_seeds_decide_nothing() -> None:
    assert verdict(LOW, make_runs(starts=1, seeds=2)) == "undecided"
    assert verdict(LOW, make_runs(starts=1, seeds=3)) == "reproduced"


def test_one_stage_0_decides_nothing() -> None:
    blind = Claim("blind", "", "", (Statement("level", "r_0", "sft", low=0.5),))
    results = make_results()
    assert judge_claim(results, blind).verdict == "reproduced"
    one = {name: {key: run for key, run in runs.items() if key[0] == 0} for name, runs in results.items()}
    assert judge_claim(one, blind).verdict == "undecided"


def test_a_difference_has_to_hold_in_every_run() -> None:
    assert verdict(LESS, make_runs(r_0=0.5)) == "reproduced"
    assert verdict(LESS, make_runs(r_0=0.0)) == "undecided"
    runs = make_runs(r_0=0.5)
    assert judge_claim(make_results(outr=runs, recommended=make_runs(r_0=0.9)), LESS).verdict == "not reproduced"


def test_the_worst_statement_decides_a_claim() -> None:
    both = Claim("both", "", "", (*LOW.statements, Statement("level", "r_a", "outr", low=1.9)))
    assert verdict(both, make_runs()) == "reproduced"
    assert verdict(both, make_runs(score=1)) == "not reproduced"
    mixed = Claim("mixed", "", "", (Statement("level", "entropy", "outr", low=0.5), *both.statements))
    assert verdict(mixed, make_runs(score=1)) == "not reproduced"
    assert verdict(mixed, make_runs()) == "undecided"
    missing = Claim("missing", "", "", (*LOW.statements, Statement("level", "r_a", "tokr", low=1.9)))
    assert verdict(missing, make_runs()) == "not tested"


def test_a_world_as_the_paper_has_it_reproduces_all_of_it() -> None:
    better = make_runs()
    hacked = make_runs(r_0=0.6, reward=6.0, entropy=0.1, length=10, score=1)
    worse = make_runs(r_0=0.2)
    results = make_results(
        paper=better, recommended=make_runs(r_0=0.05), outr=hacked, tokr=worse, lambda_03=better, lambda_06=worse,
        original=worse,
    )  # fmt: skip
    assert {judged.claim.id: judged.verdict for judged in judge_claims(results)} == {
        claim.id: "reproduced" for claim in list_claims()
    }


def test_a_world_in_which_nothing_differs_reproduces_no_difference() -> None:
    same = {name: make_runs(r_0=0.9, entropy=0.5) for name in ARMS}
    found = {judged.claim.id: judged.verdict for judged in judge_claims(make_results(**same))}
    assert {found[name] for name in ("outcome_only_hacked", "lambda_best", "both_terms", "teacher_after_sft")} == {
        "undecided"
    }
    assert {found[name] for name in ("paper_low", "outcome_only_entropy", "recommended_low")} == {"not reproduced"}


def test_claims_have_names_of_their_own_and_words() -> None:
    claims = list_claims()
    assert len({claim.id for claim in claims}) == len(claims) > 15
    words = {statement.words for claim in claims for statement in claim.statements}
    assert "R_0 of Base above 50.0%" in words
    assert "R_0 of Paper less that of OutR below 0.0 points" in words
    assert "Entropy, nats a token of Recommended over that of SFT between 80% and 120%" in words


def test_the_arm_that_meets_the_goal_most_often_is_first_and_equals_are_tied() -> None:
    results = make_results(
        outr=make_runs(r_0=0.5), tokr=make_runs(), no_twins=make_runs(alarms=0.9), paper=make_runs(starts=1, seeds=2)
    )
    places = rank_arms(results, {"paper": 4})
    assert [place.arm for place in places] == ["recommended", "tokr", "paper", "outr", "no_twins"]
    assert [(place.met, place.runs, place.diverged) for place in places][:3] == [(6, 6, 0), (6, 6, 0), (2, 2, 4)]
    assert [place.tied for place in places] == [False, True, True, False, False]
    assert places[-1].met_seen == 0
    assert "False alarms" in places[-1].checks[0, 0].missed[0]


def test_an_arm_of_which_all_runs_diverged_has_no_place() -> None:
    assert [place.arm for place in rank_arms(make_results(outr={}), {"outr": 6})] == ["recommended"]


@pytest.mark.parametrize("name", ["paper", "recommended"])
def test_what_is_claimed_of_ours_is_what_is_claimed_of_the_paper(name: str) -> None:
    ours = [claim for claim in list_claims() if claim.id.startswith(f"{name}_")]
    assert len(ours) == 6


def test_the_page_names_every_arm_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "wind-tunnel.md").read_text(encoding="utf-8")
    table = page[page.index("| arm | changed |") : page.index("Beside them")]
    named = [name for row in re.findall(r"^\| (`.*?) \|", table, re.M) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(ARMS)


def test_arms_differ_from_the_recommended_one_in_what_they_say() -> None:
    best = ARMS["recommended"]
    changed = {
        name: {key for key, value in dict(arm.method).items() if value != dict(best.method)[key]}
        | ({"reward"} if arm.reward != best.reward else set())
        for name, arm in ARMS.items()
    }
    assert changed == {
        "recommended": set(),
        "paper": {"lam", "teacher", "teacher_temperature", "signal_floor", "beta", "twin_share"},
        "outr": {"mode", "beta"},
        "tokr": {"mode"},
        "tokr_no_floor": {"mode", "signal_floor"},
        "lambda_03": {"lam"},
        "lambda_06": {"lam"},
        "moving": {"teacher"},
        "original": {"teacher"},
        "plain_teacher": {"teacher_temperature"},
        "tokr_plain": {"mode", "teacher_temperature"},
        "no_floor": {"signal_floor"},
        "no_twins": {"twin_share"},
        "outr_kl10": {"mode"},
        "outr_kl60": {"mode", "beta"},
        "blind": {"reward"},
        "oracle": {"reward"},
        "outr_oracle": {"mode", "reward"},
    }
    assert dict(ARMS["paper"].method) == dict(Method())


def test_presets_are_found_by_name() -> None:
    assert get_preset("paper").teacher == "moving"
    assert (get_preset("recommended").teacher, get_preset("recommended").signal_floor) == ("frozen_sft", 0.5)
    with pytest.raises(PresetUnknown, match="'best' is unknown; known: recommended, paper"):
        get_preset("best")


def test_an_arm_is_trained_as_it_says() -> None:
    config = make_caspo_config(ARMS["outr_kl60"].method, ScaleConfig(), seed=7)
    told = (config.mode, config.beta, config.seed, config.steps, config.group_size, config.learning_rate)
    assert told == ("outcome", 0.3, 7, 60, 4, 3e-4)
    assert (config.final_share, config.freeze_vision, config.teacher_temperature) == (0.05, True, 0.4)


def test_rivals_are_run_on_every_stage_0_and_single_factors_on_the_first() -> None:
    config = TunnelConfig()
    keys = {arm.name: config.list_keys(arm) for arm in config.list_arms()}
    assert sorted(keys["paper"]) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert keys["no_floor"] == [(0, 0), (0, 1), (0, 2)]
    assert sum(map(len, keys.values())) == 72
