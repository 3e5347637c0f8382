"""The scalar head of a reward model, small or large. Importing this imports torch.

Shapes: B answers, T tokens, H width of the model.
"""

import torch
from torch import Tensor, nn

MIDDLE_SCORE = 3.0
"""Of R + S + E, 0 to 6: what an untrained head predicts."""


def make_score_head(width: int) -> nn.Linear:
    """Return a head that says `MIDDLE_SCORE` of everything; it wants float32 states."""
    head = nn.Linear(width, 1)
    nn.init.zeros_(head.weight)
    nn.init.constant_(head.bias, MIDDLE_SCORE)
    return head


def pick_last(states_BTH: Tensor, mask_BT: Tensor) -> Tensor:
    """Return (B, H), the state of the last token that counts in each row, whichever side is padded."""
    places_T = torch.arange(mask_BT.shape[1], device=mask_BT.device)
    last_B = torch.where(mask_BT.bool(), places_T, -1).amax(1)
    return states_BTH[torch.arange(len(last_B), device=last_B.device), last_B]
