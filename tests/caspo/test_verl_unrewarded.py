"""What becomes of a run whose answers get no reward. No verl: `tests/real/test_verl_launch.py` has a server die."""

import pytest

from caspo.errors import AnswerRefused, PromptUnfit, RewardUnavailable
from caspo.verl_plugin.unrewarded import Unrewarded, check_unrewarded

GONE = Unrewarded.of(RewardUnavailable("the reward server http://there:1 gave no answer in 900 s"))
REFUSED = Unrewarded.of(AnswerRefused("the reward server http://there:1 refused an answer (422): too long"))
UNFIT = Unrewarded.of(PromptUnfit("a prompt has the turns ['system', 'user']"))
OWN = Unrewarded.of(KeyError("index"))


def test_a_server_that_is_gone_ends_the_run_with_its_own_words_whatever_else_failed() -> None:
    with pytest.raises(RewardUnavailable, match=r"^the reward server http://there:1 gave no answer in 900 s$"):
        check_unrewarded([REFUSED, OWN, GONE], rewarded=2_000)


@pytest.mark.parametrize("failure", [REFUSED, UNFIT, OWN])
def test_one_answer_without_a_reward_is_left_out(failure: Unrewarded) -> None:
    check_unrewarded([failure], rewarded=1)


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (REFUSED, "AnswerRefused: the reward server http://there:1 refused an answer"),
        (UNFIT, "PromptUnfit: a prompt has the turns"),
        (OWN, "KeyError: 'index'"),
    ],
)
def test_when_no_answer_has_one_the_run_ends(failure: Unrewarded, said: str) -> None:
    with pytest.raises(RewardUnavailable, match=rf"not one of 2 answers got a reward; the first: {said}"):
        check_unrewarded([failure, OWN], rewarded=0)


def test_nothing_that_failed_is_nothing_to_tell() -> None:
    check_unrewarded([], rewarded=0)  # verl has words of its own for a step without answers
    check_unrewarded([], rewarded=8)
