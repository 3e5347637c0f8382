"""Errors of the caspo package. Every message names the value and the remedy."""


class CaspoError(Exception):
    """Anything that caspo refuses or cannot do."""


class SampleInvalid(CaspoError, ValueError):
    """A prompt, an answer or a score that was handed in cannot be used."""


class RunMismatch(CaspoError):
    """A folder holds a run of another config, other data or other weights, or files that cannot be read."""


class RunBusy(CaspoError):
    """Another process trains in the folder."""


class TrainingDiverged(CaspoError):
    """A loss or a gradient is not finite."""


class TrackerMissing(CaspoError):
    """A tracker was asked for whose package is not installed."""


class ConstitutionInvalid(CaspoError, ValueError):
    """A file of a constitution does not have its form, or there is none for a category."""


class PresetUnknown(CaspoError, ValueError):
    """There is no preset of that name."""


class ArmUnknown(CaspoError, ValueError):
    """There is no arm of that name in the wind tunnel."""


class WorkerFailed(CaspoError):
    """A job of the wind tunnel failed, or its process ended."""


class GateNotPassed(CaspoError):
    """Stage 0 is not good enough for RL."""


class SelfCheckFailed(CaspoError):
    """A step of the trainer is not what the paper's equations say of it."""


class DataRefused(CaspoError, ValueError):
    """Training data cannot be made of what was given."""


class BenchmarkFound(DataRefused):
    """What was to be trained on is a benchmark, or repeats one. `matches` says what matched, a line each."""

    def __init__(self, message: str, matches: list[str]) -> None:
        self.matches = matches
        super().__init__(message)


class OptionsInvalid(CaspoError, ValueError):
    """An option of the plugin for verl, or verl's own config beside it, cannot be used."""


class PromptUnfit(CaspoError, ValueError):
    """A constitution cannot be put before a prompt."""


class LogProbsCoarse(CaspoError):
    """Log-probabilities come in half precision."""


class VerlUnfit(CaspoError):
    """The verl that is installed, or a batch of its, is not what the plugin was written for."""


class TrainingRefused(CaspoError, ValueError):
    """A training on verl cannot be started as it was asked for."""


class RewardModelInvalid(CaspoError, ValueError):
    """A folder holds no reward model that can be loaded, or a base model is none with pictures."""


class RewardUnavailable(CaspoError):
    """A reward server cannot be asked, refused what it was asked, or does not look at pictures."""


class AnswerRefused(RewardUnavailable):
    """A reward server does not rate one answer; it may well rate the next."""


class ExportRefused(CaspoError):
    """A run cannot be exported: no whole checkpoint, a target that exists, or a merged model that differs."""
