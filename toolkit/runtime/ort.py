"""The one place that imports onnxruntime: its telemetry is switched off first."""

from __future__ import annotations

import os

# Linux wheels from 1.29 on write a device id and event files below the home folder at the first
# session unless this is set before the import; disable_telemetry_events() alone comes too late.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

onnxruntime.disable_telemetry_events()

__all__ = ["onnxruntime"]
