"""Errors of the app itself. Every message names the value and the remedy."""


class AppError(Exception):
    """Anything that a command refuses or cannot do; printed as one plain sentence."""


class SettingsInvalid(AppError):
    """A setting cannot be used."""


class WorkspaceMissing(AppError):
    """There is no workspace where one was expected, or it needs an upgrade."""


class PortTaken(AppError):
    """Another program listens on the port."""


class TooManySignIns(AppError):
    """More people try to sign in at this moment than the server will check at once."""


class LabelStudioRefused(AppError):
    """Label Studio cannot be reached or used as asked; says so in one sentence, without anything secret."""
