"""Errors of the pipeline package. Every message names the value and the remedy."""

from dataclasses import dataclass

from endpoints.errors import EndpointError


class PipelineError(Exception):
    """Anything that the pipeline refuses or cannot do."""


class BadContent(PipelineError, ValueError):
    """A file of scenarios, or the taxonomy, does not have its form."""


class ConfigInvalid(PipelineError, ValueError):
    """The configuration of a run does not have its form, or asks for something impossible."""


@dataclass(frozen=True, slots=True)
class ItemError:
    """Why a call about one item gave nothing to go by. The item neither passes nor fails by it."""

    kind: str
    """The slug of the error, as in `endpoints.errors`."""
    message: str
    stops_run: bool = False
    """Every further call would fail alike: the budget is spent, the endpoint cannot work."""


def describe_failure(exc: EndpointError) -> ItemError:
    """Return what an item keeps of a failed call."""
    return ItemError(kind=exc.kind, message=str(exc), stops_run=exc.stops_run)


class BadVectors(PipelineError, ValueError):
    """Vectors or ids that an index cannot take: wrong shape, not finite, zero, or an id with another vector."""


class BadIndex(PipelineError):
    """A stored index that cannot be used: of another model or size, or damaged."""


class OcrMissing(PipelineError):
    """Text in a picture was to be read and the reader is not installed."""


class RunBusy(PipelineError):
    """Another process works on the run."""
