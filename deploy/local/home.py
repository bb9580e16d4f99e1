"""The run directory of one stack: everything it writes is below it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.failures import SetupError


class HomeError(SetupError):
    """The directory cannot hold a stack."""


@dataclass(frozen=True)
class Home:
    """Where one stack keeps its configuration, its data and its records of processes."""

    root: Path

    @property
    def config(self) -> Path:
        """Rendered configuration, one folder per service; written anew by every start."""
        return self.root / "config"

    @property
    def data(self) -> Path:
        """Kafka's log, the catalog's database, Trino's and the registry's files."""
        return self.root / "data"

    @property
    def warehouse(self) -> Path:
        """Iceberg tables."""
        return self.root / "warehouse"

    @property
    def checkpoints(self) -> Path:
        """Flink's checkpoints, kept after a job ends."""
        return self.root / "checkpoints"

    @property
    def logs(self) -> Path:
        """One bounded log per service."""
        return self.root / "logs"

    @property
    def scratch(self) -> Path:
        """Temporary files of the engines; emptied by a start from nothing."""
        return self.root / "run" / "tmp"

    @property
    def services(self) -> Path:
        """What should run: one JSON file per service."""
        return self.root / "run" / "services"

    @property
    def records(self) -> Path:
        """What does run: process ids with their start times."""
        return self.root / "run" / "processes.json"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the supervisor for as long as it lives; names its process."""
        return self.root / "run" / "supervisor.lock"

    @property
    def command_lock(self) -> Path:
        """Held by `up` and `down`, so that two of them do not interleave."""
        return self.root / "run" / "command.lock"

    @property
    def endpoints(self) -> Path:
        """Where clients find the engines; exists while the stack is up."""
        return self.root / "endpoints.json"

    def create(self) -> None:
        """Make all directories, readable by this user only.

        Raises HomeError when the path cannot be used.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in (self.data, self.warehouse, self.checkpoints, self.logs, self.scratch, self.services):
                path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"DAYBOOK_HOME: {self.root} cannot be created ({error.strerror})"
            raise HomeError(message) from error


def from_environment(environment: Mapping[str, str]) -> Home:
    """The home named by DAYBOOK_HOME, else `daybook` below the user's state directory.

    Raises HomeError for a path with characters that the engines' start scripts would split.
    """
    state = environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    root = Path(environment.get("DAYBOOK_HOME") or Path(state) / "daybook").resolve()
    if not str(root).isascii() or any(character.isspace() or character in "\"'$%#?:;\\" for character in str(root)):
        message = f"DAYBOOK_HOME: {str(root)!r} has characters that the engines cannot handle; choose a plain path"
        raise HomeError(message)
    return Home(root)
