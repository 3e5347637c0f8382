"""Make a reward model with a random head on a base model, save it and serve it: `serve_reward.py BASE OUT PORT`."""

import sys
from pathlib import Path

import torch

from caspo.reward_model.model import load_base, save_reward_model
from caspo.reward_model.server import serve

base, out, port = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(1)
torch.manual_seed(7)
model = load_base(base, max_tokens=1024)
torch.nn.init.normal_(model.head.weight, std=0.5)
save_reward_model(model, model.state_dict(), out, {}, extra=[])
serve(out, host="127.0.0.1", port=port, most=4, half=False)
