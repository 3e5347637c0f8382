"""Trains small vision-language models in this process, on one device: no cluster, no server.

* `samples`, `config`   what goes in; neither loads torch
* `tiny_vlm`            a Qwen2.5-VL of about a million parameters with its processor, made on the spot
* `vlm`                 a model and its processor: prompts to tensors, log-probabilities of answers
* `vision`              teaches the vision tower which words a picture shows where
* `supervised`          pretraining and SFT on (picture, query, answer)
* `rollout`             sampled answers with their log-probabilities
* `evaluation`          sampled answers, scored by a function from outside
* `reward_model`        a scalar head, trained with Eq. 7
* `training`            CASPO, Eq. 4-6
* `team`                two processes that train one model together
* `loop`, `checkpoints`, `tracking`   steps, exact resume, metrics
"""
