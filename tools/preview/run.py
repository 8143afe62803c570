"""Runs a Pulumi program through the SDK's mock runtime."""

from __future__ import annotations

import asyncio
import contextvars
import os
import runpy
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path

# Read by the SDK: an Output in an f-string raises instead of writing a sentence into a resource.
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "true"

import pulumi
import pulumi.runtime
from pulumi.runtime import Settings

from settings.problem import ConfigurationError
from tools.preview.monitor import RecordingEngine, RecordingMonitor
from tools.preview.recording import Recording
from tools.preview.stack_file import StackConfig


class PreviewError(Exception):
    """The program, or something that it registers, would fail on the engine too."""


def run_project(root: Path, config: StackConfig, creates: bool = False) -> Recording:
    """Runs the `__main__.py` in `root`, as the language host does. See `run_program`."""
    return run_program(lambda: runpy.run_path(str(root), run_name="__main__"), config, creates)


def run_program(
    program: Callable[[], object], config: StackConfig, creates: bool = False
) -> Recording:
    """Runs a program in a stack of its own and returns what it registered.

    creates: whether resources get stand-ins for what their providers would compute, instead of
    unknowns. Raises PreviewError with every problem found.
    """
    monitor = RecordingMonitor(config, creates)
    # Its own context: the SDK keeps settings, root resource and configuration in context variables.
    failure = contextvars.copy_context().run(_run, program, config, monitor, not creates)
    problems = monitor.recording.problems
    if failure and not problems:
        problems.append(failure)
    if problems:
        raise PreviewError("\n".join(problems))
    return monitor.recording


def _run(
    program: Callable[[], object], config: StackConfig, monitor: RecordingMonitor, dry_run: bool
) -> str | None:
    async def execute() -> None:
        program()  # its result is none of the runtime's business
        await _settled()

    # A runner cancels what a failed program leaves behind: Outputs that wait for one another.
    with asyncio.Runner() as runner:
        # The first failure is reported below; the Outputs that it fails would only repeat it.
        runner.get_loop().set_exception_handler(lambda *_: None)
        pulumi.runtime.reset_options(project=config.project, stack=config.stack, preview=dry_run)
        pulumi.runtime.configure(
            Settings(
                project=config.project,
                stack=config.stack,
                monitor=monitor,
                engine=RecordingEngine(monitor.recording),
                dry_run=dry_run,
                organization="organization",
            )
        )
        try:
            with config.applied():
                context = contextvars.copy_context()
                runner.run(pulumi.runtime.run_in_stack(execute), context=context)
        except ConfigurationError as error:
            return error.text(config.file, config.lines)
        except pulumi.RunError as error:
            return str(error)
        except Exception as error:
            return f"Program failed with an unhandled exception:\n{_own_frames(error)}"
    return None


async def _settled() -> None:
    """Waits for what the program began, or for the first failure, which the runtime then raises.

    The runtime's own wait goes through all tasks each time that one of them ends.
    """
    while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        if any(task.cancelled() or task.exception() for task in done):
            return


def _own_frames(error: Exception) -> str:
    """The exception without the frames of this tool, of Python and of installed packages."""
    others = (Path(__file__).resolve().parent, sysconfig.get_path("stdlib"))
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not any(Path(frame.filename).is_relative_to(other) for other in others)
        and "site-packages" not in frame.filename
        and not frame.filename.startswith("<frozen")
    ]
    lines = traceback.format_list(frames) + traceback.format_exception_only(error)
    return "".join(lines).rstrip()
