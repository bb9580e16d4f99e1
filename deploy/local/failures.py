"""What the command line reports as one sentence."""


class DeployError(Exception):
    """The stack did not do what was asked; the message is the sentence to show."""

    exit_code = 1


class SetupError(DeployError):
    """The machine or the settings must change before a retry can succeed."""

    exit_code = 2
