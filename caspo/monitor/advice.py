"""What is said of each kind of alarm: its name, why it matters by the paper's figures or ours, what to change."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Kind:
    """One kind of alarm. `{back}` in the advice is where to go on from."""

    title: str
    why: str
    advice: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "not_finite": Kind(
            "Numbers are no numbers any more",
            "Such a step spoils the weights, and nothing mends them.",
            "Stop, and {back} with a lower update.learning_rate; look for a reward function that returns NaN.",
        ),
        "reward_hacking": Kind(
            "The reward is hacked",
            "The policy has found what the reward pays for and the held-out scores do not. In our wind tunnel the "
            "paper's form ended so: paid three times as much as at the start, and overlooking 85% of the hazards.",
            "Stop, and {back} with a frozen teacher and more weight on the divergence (method: recommended, or "
            "changes: {{teacher: frozen_sft, beta: 0.05}}). Read the answers that are paid most, and train the "
            "reward model on such answers.",
        ),
        "held_out_falls": Kind(
            "Held-out scores fall",
            "The policy gets worse on prompts that it does not train on, and is not even paid for it.",
            "Stop, and {back} with a lower update.learning_rate or a greater beta.",
        ),
        "over_warning": Kind(
            "It warns of what is not there",
            "A model that always warns finds every hazard and helps nobody. The wind tunnel's recommended runs "
            "ended at 0.5%.",
            "Put more twins among the prompts (curator caspo prepare with twin_share: 0.45), and see that the "
            "reward is lower for a warning on a twin.",
        ),
        "entropy_collapse": Kind(
            "The entropy collapses",
            "Answers become all alike, so that groups have nothing left to compare. In the paper the outcome "
            "reward alone took the entropy below 0.4; CASPO kept it between 1.2 and 2.0.",
            "Stop, and {back} with the token term (changes: {{mode: hybrid, lam: 0.3}}), a greater beta (0.05) or "
            "a lower update.learning_rate.",
        ),
        "length_collapse": Kind(
            "Answers shrink",
            "A short refusal neither explains the danger nor offers a way round it. In the paper CASPO stayed at "
            "400 to 600 tokens, while outcome reward alone let the length decline.",
            "Read answers from before and after. If they are rote, {back} with a greater beta, and balance the "
            "reward model's pairs by length (length_skew in curator caspo prepare).",
        ),
        "length_capped": Kind(
            "Answers are cut off",
            "What is cut off is scored without its end, and length is often what a reward model is hacked by: "
            "five of the six collapsed runs of our wind tunnel went to the cap.",
            "If the answers ramble or repeat themselves, {back} with a frozen teacher below temperature 1 and a "
            "greater beta (method: recommended). If they are good, raise data.max_response_tokens.",
        ),
        "kl_runaway": Kind(
            "The policy runs away from where it began",
            "The paper's CASPO stays below 0.1. In our wind tunnel all runs that ended above were hacked, mildly "
            "or wholly, and all others ended at 0.05 or less.",
            "Raise beta (changes: {{beta: 0.05}}), use a frozen teacher (changes: {{teacher: frozen_sft}}), or "
            "stop earlier; {back}.",
        ),
        "narrow_r": Kind(
            "The constitution says nothing any more",
            "r is divided by its spread, so what is left of it, rounding for the most part, gets the weight that "
            "a strong signal had.",
            "Set a floor (changes: {{signal_floor: 0.5}}). With a frozen teacher the policy has arrived where the "
            "teacher is: stop. If it was so from the start, see that prompts have their own category's "
            "constitution.",
        ),
        "flat_groups": Kind(
            "Most groups have nothing to compare",
            "In such a group all advantages are 0, so its answers are sampled and scored for nothing. In our wind "
            "tunnel they were at most 1%.",
            "More answers a prompt (data.answers_per_prompt), a higher sampling.temperature, harder prompts, or a "
            "reward that tells more than a few values apart; changes: {{zero_outcome: token}} lets such groups "
            "learn from r.",
        ),
    }
)
