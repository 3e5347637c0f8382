"""A reward that tells answers apart, but not those to every fourth item."""

from typing import Any


async def compute_score(
    data_source: str, solution_str: str, ground_truth: str, extra_info: dict[str, Any], **_: Any
) -> float:
    if extra_info["index"] % 4 == 1:
        return 1.0
    return float(sum(map(ord, solution_str)) % 17)
