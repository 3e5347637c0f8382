"""Errors of the judge package. Every message names the value and the remedy."""


class JudgeError(Exception):
    """Anything that the judge refuses or cannot do."""


class RubricInvalid(JudgeError, ValueError):
    """A rubric file does not have its form."""


class TextsInvalid(JudgeError, ValueError):
    """A file of constitutions or of malicious variants does not have its form."""


class ConfigInvalid(JudgeError, ValueError):
    """A judge run asks for something impossible, or for something else than what it was started with."""


class RunMissing(JudgeError, LookupError):
    """There is no judge run of that name, or it has not come as far as the command needs."""


class RunBusy(JudgeError):
    """Another process works on the judge run."""


class LogDamaged(JudgeError):
    """A file of a judge run cannot be read or written."""


class StudyInvalid(JudgeError, ValueError):
    """A human study cannot be drawn as it was asked for, or what was kept of it does not have its form."""


class ShiftInvalid(JudgeError, ValueError):
    """A token-shift analysis asks for something impossible, or its answers or models cannot be used."""


class AnswerUnusable(ShiftInvalid):
    """One answer cannot be put to a model; `kind` is a slug. The analysis goes on without it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
