"""The reader's progress: every exercise is listed, and what the notebook recorded reaches the widget."""
import json

import pytest

pytest.importorskip("anywidget")

from pfncache_edu.grading import EXERCISES, record
from pfncache_edu.widgets import YourProgress


def test_it_lists_every_exercise_with_its_points(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(record, "IN_MEMORY", {})
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    widget = YourProgress()
    assert [row[0] for row in widget.exercises] == list(EXERCISES) and widget.record == {}
    assert all(exercise.title in widget.static_svg().replace("&#x27;", "'") for exercise in EXERCISES.values())


def test_it_shows_what_a_notebook_has_recorded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(record.KEEPS_NO_RECORD, raising=False)
    (tmp_path / record.RECORD).write_text(json.dumps({"8.2": {"best": 11, "checks": 2}}))
    assert YourProgress().record["8.2"]["best"] == 11
