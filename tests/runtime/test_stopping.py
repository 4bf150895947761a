"""SIGTERM while a command runs, after it, and in the processes that it forks."""

from __future__ import annotations

import os
import signal

import pytest

from toolkit.runtime.stopping import TERMINATED, Terminated, sigterm_heeded


def test_it_stops_the_command_and_is_what_it_was_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated) as stop, sigterm_heeded():
        signal.raise_signal(signal.SIGTERM)
    assert stop.value.exit_code == TERMINATED == 143
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="it ends a forked process")
def test_a_forked_process_ends_by_it_whatever_it_does():
    with sigterm_heeded():
        process = os.fork()
        if not process:
            try:
                signal.raise_signal(signal.SIGTERM)
            except BaseException:
                os._exit(1)
            os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGTERM
