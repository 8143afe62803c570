"""Runs a Pulumi program through the SDK's mock runtime."""

from __future__ import annotations

import asyncio
import contextvars
import os
import runpy
import traceback
from pathlib import Path

# Read by the SDK: an Output in an f-string raises instead of writing a sentence into a resource.
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "true"

import pulumi
import pulumi.runtime
from pulumi.runtime import Settings

from tools.preview.monitor import Recording, RecordingEngine, RecordingMonitor
from tools.preview.stack_file import StackConfig


class PreviewError(Exception):
    """The program, or something that it registers, would fail on the engine too."""


def run_program(root: Path, config: StackConfig, creates: bool = False) -> Recording:
    """Runs the program in `root` and returns what it registered.

    creates: whether resources get stand-ins for what their providers would compute, instead of
    unknowns. Raises PreviewError with every problem found.
    """
    monitor = RecordingMonitor(config, creates)
    # Its own context: the SDK keeps settings, root resource and configuration in context variables.
    failure = contextvars.copy_context().run(_run, root, config, monitor, not creates)
    problems = monitor.recording.problems
    if failure and not problems:
        problems.append(failure)
    if problems:
        raise PreviewError("\n".join(problems))
    return monitor.recording


def _run(root: Path, config: StackConfig, monitor: RecordingMonitor, dry_run: bool) -> str | None:
    pulumi.runtime.reset_options(project=config.project, stack=config.stack, preview=dry_run)
    pulumi.runtime.configure(
        Settings(
            project=config.project,
            stack=config.stack,
            monitor=monitor,
            engine=RecordingEngine(monitor.recording),
            dry_run=dry_run,
            organization="organization",
            root_directory=str(root),
        )
    )
    loop = asyncio.new_event_loop()
    # A failed resource fails every Output that waits for it; the first message says it all.
    loop.set_exception_handler(lambda *_: None)
    asyncio.set_event_loop(loop)
    try:
        with config.applied():
            loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _execute(root)))
    except pulumi.RunError as error:
        return str(error)
    except Exception:
        return "Program failed with an unhandled exception:\n" + _traceback(root)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        asyncio.set_event_loop(asyncio.new_event_loop())
    return None


def _execute(root: Path) -> None:
    runpy.run_path(str(root), run_name="__main__")


def _traceback(root: Path) -> str:
    """The program's own frames of the current exception, like the engine's diagnostics."""
    import sys

    error = sys.exc_info()[1]
    assert error is not None
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(root)
        and ".venv" not in frame.filename
        and "tools" not in Path(frame.filename).relative_to(root).parts
    ]
    lines = traceback.format_list(frames) + traceback.format_exception_only(error)
    return "".join(lines).rstrip()
