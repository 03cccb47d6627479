"""The README's thirty seconds are true."""
import contextlib
import io
import pathlib
import re

from pfncache_edu.cli import parser

ROOT = pathlib.Path(__file__).parent.parent


def test_the_taste_prints_what_the_readme_says():
    text = (ROOT / "README.md").read_text()
    code = re.search(r"```python\n(.*?)```", text, re.S)[1]
    promised = re.search(r"```text\n(.*?)```", text, re.S)[1]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue() == promised


def test_what_the_readme_names_is_there():
    text = (ROOT / "README.md").read_text()
    for path in re.findall(r"`((?:pfncache_edu|book|live|exercises|tests)/[\w/.]*)`", text):
        assert (ROOT / path).exists(), path
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make (\w+)  ", text) + re.findall(r"`make (\w+)`", text):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_the_commands_that_the_readme_shows_are_there():
    commands = next(action for action in parser()._actions if action.dest == "command").choices
    assert set(re.findall(r"^(?:`|)pfncache (\w+)", (ROOT / "README.md").read_text(), re.M)) <= set(commands)


def test_every_picture_has_a_text_alternative():
    for alternative, path in re.findall(r"!\[(.*?)\]\((.*?)\)", (ROOT / "README.md").read_text()):
        assert len(alternative) > 40 and (ROOT / path).exists(), path
