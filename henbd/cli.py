"""The command line. What a command needs is imported when it is called."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence

from henbd import __version__, client
from henbd.errors import ConfigurationError, HenbdError
from henbd.levels import LOG_LEVELS

DEFAULT_CONFIG = "/etc/henbd/henbd.toml"

# Exit statuses: 1, it could not be done; 2, the call or the configuration is wrong.
FAILED, WRONG = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; return its exit status."""
    options = parser().parse_args(arguments)
    try:
        status = int(options.command(options))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever reads has had enough: nothing is left to be said at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except ConfigurationError as error:
        print(*error.lines(), sep="\n", file=sys.stderr)
        return WRONG
    except HenbdError as error:
        print(f"henbd: {error}", file=sys.stderr)
        return FAILED
    except OSError as error:
        culprit = "" if error.filename is None else f"{error.filename}: "
        print(f"henbd: {culprit}{error.strerror or error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="henbd", description="The management agent of an LTE Home eNodeB."
    )
    parser.add_argument("--version", action="version", version=f"henbd {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run the daemon in the foreground")
    run.add_argument("--config", default=DEFAULT_CONFIG, metavar="FILE")
    run.add_argument("--log-level", choices=LOG_LEVELS, help="instead of [log] level")
    run.set_defaults(command=_run)

    client.add_commands(commands)

    guard = commands.add_parser("guard", help="show or remove the leak guards in the kernel")
    guard.add_argument("--config", default=DEFAULT_CONFIG, metavar="FILE")
    guard.add_argument("--yes", action="store_true", help="remove without asking")
    what = guard.add_mutually_exclusive_group(required=True)
    what.add_argument("--show", action="store_true")
    what.add_argument("--remove", action="store_true", help="now, and for the next boot")
    guard.set_defaults(command=_guard)

    check = commands.add_parser("check-config", help="name every mistake in a configuration file")
    check.add_argument("file", metavar="FILE")
    check.set_defaults(command=_check_config)
    return parser


def _check_config(options: argparse.Namespace) -> int:
    from henbd import config

    config.load(options.file)
    print(f"{options.file}: no mistake found")
    return 0


def _guard(options: argparse.Namespace) -> int:
    from henbd import guard_command

    if options.remove:
        return guard_command.remove(options.config, asked=options.yes)
    return guard_command.show(options.config)


def _run(options: argparse.Namespace) -> int:
    # What is imported and built now stays: the collector would look through it in vain.
    gc.disable()
    from henbd import assembly

    daemon = assembly.start(options.config, options.log_level)
    gc.freeze()
    gc.enable()
    daemon.run()
    return 0
