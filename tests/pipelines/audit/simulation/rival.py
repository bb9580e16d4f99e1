"""A second audit process that advances by single steps while the first one runs: a thread of which only one runs at a time."""

from collections.abc import Callable
from threading import Semaphore, Thread


class Killed(BaseException):
    """An audit process dies here."""


class Rival:
    """Runs `cycle` until it ends, fails or is killed. `resume` lets it make some steps and stands still meanwhile."""

    def __init__(self, cycle: Callable[[Callable[[], None]], object]) -> None:
        """`cycle` gets the function to call at each of its steps; nothing runs before `resume`."""
        self._go, self._back = Semaphore(0), Semaphore(0)
        self._left = 0
        self._is_killed = False
        self._error: Exception | None = None
        self.is_over = False
        self._thread = Thread(target=self._run, args=(cycle,), daemon=True)
        self._thread.start()

    def resume(self, steps: int) -> None:
        """Let it run for a number of steps; what it raised is raised here."""
        if self.is_over:
            return
        self._left = steps
        self._switch(self._go, self._back)
        if self._error:
            raise self._error

    def kill(self) -> None:
        """It dies in the step where it stands."""
        self._is_killed = True
        self.resume(1)
        self._thread.join()

    def _run(self, cycle: Callable[[Callable[[], None]], object]) -> None:
        self._go.acquire()
        try:
            if not self._is_killed:
                cycle(self._step)
        except Killed:
            pass
        except Exception as error:  # noqa: BLE001 - handed to the thread that waits
            self._error = error
        self.is_over = True
        self._back.release()

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            self._switch(self._back, self._go)
            self._left -= 1
        if self._is_killed:
            raise Killed

    @staticmethod
    def _switch(wake: Semaphore, wait: Semaphore) -> None:
        wake.release()
        wait.acquire()
