"""The command line of the local stack: `python -m deploy.local up`."""

import argparse
import io
import os
import signal
import sys

from deploy.local import decoder, engines, extras, fetch, home, logs, processes, services, stack, status, versions
from deploy.local.failures import DeployError
from deploy.local.home import Home
from deploy.local.services import ServiceError
from deploy.local.toolchain import find_java

_TAIL_LINES = 100


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 (it did not work) or 2 (something must be changed first)."""
    parsed = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Progress is to be seen while it happens, also through a pipe.
        sys.stdout.reconfigure(line_buffering=True)
    try:
        return _run(parsed)
    except DeployError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 1


def _run(parsed: argparse.Namespace) -> int:
    if parsed.verb == "fetch":
        return _fetch(parsed.extra, record=parsed.record)
    where = home.from_environment(os.environ)
    match parsed.verb:
        case "up":
            stack.up(where, parsed.extra, os.environ)
        case "down":
            stack.down(where)
        case "status":
            return _status(where, as_json=parsed.json)
        case "logs":
            _logs(where, parsed.name, follow=parsed.follow)
        case "start":
            extras.start(where, parsed.name, parsed.words, os.environ)
        case "stop":
            extras.stop(where, parsed.name)
        case "kill":
            _kill(where, parsed.name, parsed.signal)
    return 0


def _fetch(extra: list[str], *, record: bool) -> int:
    chosen = versions.load()
    groups = fetch.chosen_groups(chosen, extra)
    if record:
        fetch.record(chosen, groups, os.environ)
        engines.record_flink()
    engines.verify_flink()
    for name, folder in fetch.fetch(chosen, groups, os.environ).items():
        print(f"{name:<12} {folder}")
    java = find_java(chosen.java["flink"], "flink", os.environ)
    print(f"{'decoder':<12} {decoder.build(java, os.environ)}")
    return 0


def _status(where: Home, *, as_json: bool) -> int:
    rows = status.survey(where)
    print(status.render_json(where, rows) if as_json else status.render_table(rows))
    return 0 if status.is_healthy(rows) else 1


def _logs(where: Home, name: str, *, follow: bool) -> None:
    log = logs.path(where.logs, name)
    if not log.exists():
        known = ", ".join(path.stem for path in sorted(where.logs.glob("*.log")))
        message = f"{name}: there is no such log in {where.logs} (there are: {known or 'none'})"
        raise ServiceError(message)
    print("".join(logs.tail(log, _TAIL_LINES)), end="", flush=True)
    for text in logs.follow(log) if follow else ():
        print(text, end="", flush=True)


def _kill(where: Home, name: str, number: signal.Signals) -> None:
    process = services.require_service(where, name).process
    sent = processes.send_signal(process, number)
    print(f"{name}: sent {number.name} to process {process.pid}" if sent else f"{name}: has no process")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.local",
        description="The local stack: real Kafka, Flink, Iceberg and Trino as processes of yours, on the loopback address.",
        epilog="DAYBOOK_HOME is the run directory, DAYBOOK_PORT_BASE the first port (default 21000).",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    optional = sorted(name for name, group in versions.load().groups.items() if group.optional)

    verb = verbs.add_parser("fetch", help="download and verify the engines")
    _add_extra(verb, optional)
    verb.add_argument("--record", action="store_true", help="rewrite the list of checksums from what arrives")

    verb = verbs.add_parser("up", help="start what does not run yet, and wait until all of it is ready")
    _add_extra(verb, ["registry"])

    verbs.add_parser("down", help="stop everything; the data stays")

    verb = verbs.add_parser("status", help="show every service; exit code 1 when one is not well")
    verb.add_argument("--json", action="store_true", help="for programs")

    verb = verbs.add_parser("logs", help="show the end of a log")
    verb.add_argument("name")
    verb.add_argument("-f", "--follow", action="store_true", help="go on with what is appended")

    verb = verbs.add_parser("start", help="add a supervised process: start NAME -- COMMAND...")
    verb.add_argument("name")
    verb.add_argument("words", nargs="+", metavar="COMMAND")

    verb = verbs.add_parser("stop", help="stop one service and forget it")
    verb.add_argument("name")

    verb = verbs.add_parser("kill", help="send a signal to one service, to see it come back")
    verb.add_argument("name")
    verb.add_argument("--signal", type=_signal_number, default=signal.SIGKILL, help="name of the signal (default KILL)")
    return parser


def _add_extra(verb: argparse.ArgumentParser, choices: list[str]) -> None:
    verb.add_argument("--with", dest="extra", action="append", default=[], choices=choices, help="this as well")


def _signal_number(name: str) -> signal.Signals:
    if f"SIG{name}" not in signal.Signals.__members__:
        message = f"{name} is not the name of a signal"
        raise argparse.ArgumentTypeError(message)
    return signal.Signals[f"SIG{name}"]


if __name__ == "__main__":
    sys.exit(main())
