"""A reward function that says more than a number: R, S and E of a hazard, and whether a twin was warned of."""

from typing import Any

FIRST_HAZARD = {"r": 0, "s": 1, "e": 1}
OTHER_HAZARDS = {"r": 2, "s": 2, "e": 1}


def compute_score(
    data_source: str, solution_str: str, ground_truth: str, extra_info: dict[str, Any], **_: Any
) -> dict[str, float]:
    score = float(sum(map(ord, solution_str)) % 17)
    if extra_info["split"] == "train":
        return {"score": score}
    if extra_info["twin"]:
        return {"score": score, "alarm": extra_info["item_id"].startswith("item000001")}
    return {"score": score, **(FIRST_HAZARD if extra_info["item_id"] == "item000001" else OTHER_HAZARDS)}
