"""What is told of r (Eq. 4) in a step, whatever trains."""

import torch
from torch import Tensor

FAR_SIGNAL = 5.0
"""Nats: beyond it a token's r counts as far out."""
_MOST_SORTED = 2**23
"""`torch.quantile` takes twice as many; of more, every so-manieth is looked at."""


def describe_signal(signal_N: Tensor) -> dict[str, float]:
    """Return r's mean, spread and tails over all tokens of a step, before it is normalised, in nats."""
    some_N = signal_N[:: -(-len(signal_N) // _MOST_SORTED)]
    low, high = torch.quantile(some_N, signal_N.new_tensor([0.01, 0.99])).tolist()
    return {
        "caspo/signal_mean": signal_N.mean().item(),
        "caspo/signal_std": signal_N.std(unbiased=False).item(),
        "caspo/signal_p01": low,
        "caspo/signal_p99": high,
        "caspo/signal_far": (signal_N.abs() > FAR_SIGNAL).float().mean().item(),
    }
