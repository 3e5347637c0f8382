"""Make a reward model with a random head, save it and serve it until it dies: `serve_reward.py BASE OUT PORT COUNT`.

The server rates COUNT answers, and ends without a word when it is asked for one more.
"""

import os
import sys
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

import torch
import uvicorn
from fastapi import Request, Response

from caspo.reward_model.model import load_base, load_reward_model, save_reward_model
from caspo.reward_model.server import create_app

base, out, port, last = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(1)
torch.manual_seed(7)
model = load_base(base, max_tokens=1024)
torch.nn.init.normal_(model.head.weight, std=0.5)
save_reward_model(model, model.state_dict(), out, {}, extra=[])
app = create_app(load_reward_model(out), most=4)
asked = count(1)


@app.middleware("http")
async def die_at_last(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    if request.url.path == "/score" and next(asked) > last:
        os._exit(1)
    return await go_on(request)


uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
