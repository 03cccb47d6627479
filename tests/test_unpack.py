"""What a course system gives out becomes a folder, and no archive becomes more than it should."""
import io
import stat
import time
import zipfile

import pytest

from pfncache_edu.cli import main
from pfncache_edu.grading import unpack as module
from pfncache_edu.grading.submission import NotASubmission, read_submission
from pfncache_edu.grading.unpack import NotUnpacked, unpack

ANSWER = b"runs = 1108\n"


def packed(*files, kind=0, year=1980) -> bytes:
    """An archive of (name, bytes)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, (year, 11, 22, 12, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, kind << 16
            archive.writestr(entry, data)
    return out.getvalue()


def unpacked(tmp_path, *files):
    """The files of a download, by path, and what was said of those that stay packed."""
    (tmp_path / "download.zip").write_bytes(packed(*files))
    said = unpack(tmp_path / "download.zip", tmp_path / "new")
    return {path.relative_to(tmp_path / "new").as_posix(): path.read_bytes() for path in (tmp_path / "new").rglob("*") if path.is_file()}, said


def test_a_download_with_a_folder_for_each_student_and_an_archive_in_one_becomes_a_folder(tmp_path):
    files, said = unpacked(tmp_path, ("Ada_17_assignsubmission_file_/4.4.py", ANSWER),
                           ("Bo_18_assignsubmission_file_/work.zip", packed(("4.4.py", ANSWER), ("__MACOSX/._4.4.py", b"x"))))
    assert files == {"Ada_17_assignsubmission_file_/4.4.py": ANSWER, "Bo_18_assignsubmission_file_/work.zip/4.4.py": ANSWER} and said == []


def test_a_folder_that_was_unpacked_by_hand_is_taken_as_well(tmp_path):
    (tmp_path / "download/ada").mkdir(parents=True)
    (tmp_path / "download/ada/work.zip").write_bytes(packed(("4.4.py", ANSWER)))
    assert unpack(tmp_path / "download", tmp_path / "new") == []
    assert (tmp_path / "new/ada/work.zip/4.4.py").read_bytes() == ANSWER and (tmp_path / "download/ada/work.zip").is_file()


def test_files_stay_as_old_as_the_course_system_says_whatever_a_students_own_archive_says(tmp_path):
    """Late days are counted from it."""
    (tmp_path / "download.zip").write_bytes(packed(("ada/4.4.py", ANSWER), ("bo/work.zip", packed(("4.4.py", ANSWER), year=1990)), year=2026))
    unpack(tmp_path / "download.zip", tmp_path / "new")
    for name in ("ada/4.4.py", "bo/work.zip/4.4.py"):
        assert time.localtime((tmp_path / "new" / name).stat().st_mtime)[:3] == (2026, 11, 22)


def test_an_archive_in_an_archive_of_a_student_stays_packed(tmp_path):
    inner = packed(("4.4.py", ANSWER))
    files, _ = unpacked(tmp_path, ("ada/work.zip", packed(("again.zip", inner))))
    assert files == {"ada/work.zip/again.zip": inner}


BOMBS = {
    "says much": packed(("4.4.py", b"\0" * 20_000_000)),
    "too many files": packed(*((f"{n}.py", b"") for n in range(201))),
    "leads out": packed(("../../4.4.py", ANSWER)),
    "absolute": packed(("/tmp/4.4.py", ANSWER)),
    "backslash": packed(("..\\4.4.py", ANSWER)),
    "link": packed(("4.4.py", b"/etc/passwd"), kind=stat.S_IFLNK | 0o777),
    "fifo": packed(("4.4.py", b""), kind=stat.S_IFIFO | 0o777),
    "a file and its folder": packed(("a", b"1"), ("a/b", b"2")),
    "cut": packed(("4.4.py", ANSWER))[:40],
    "no archive": b"PK\x03\x04 and nothing else",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_an_archive_that_breaks_a_limit_stays_an_archive_and_the_others_are_unpacked(tmp_path, bomb):
    files, said = unpacked(tmp_path, ("ada/work.zip", BOMBS[bomb]), ("bo/4.4.py", ANSWER))
    assert files == {"ada/work.zip": BOMBS[bomb], "bo/4.4.py": ANSWER}
    assert len(said) == 1 and said[0].startswith("ada/work.zip: it ") or "work.zip: '" in said[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["download.zip", "new"]


def test_an_archive_that_lies_about_its_size_is_counted_by_what_comes_out(tmp_path):
    """Its header promises 7 bytes for 20 MB: what an archive says about itself is not believed."""
    data = packed(("4.4.py", b"\0" * 20_000_000))
    (tmp_path / "lies.zip").write_bytes(data.replace((20_000_000).to_bytes(4, "little"), (7).to_bytes(4, "little")))
    with pytest.raises(NotUnpacked):
        unpack(tmp_path / "lies.zip", tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["lies.zip"]


def test_the_limit_on_size_holds_for_what_is_hardly_packed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 1_000)
    (tmp_path / "large.zip").write_bytes(packed(("4.4.py", bytes(range(256)) * 5)))
    with pytest.raises(NotUnpacked, match="too much"):
        unpack(tmp_path / "large.zip", tmp_path / "new")


def test_nothing_that_is_there_is_overwritten_and_an_archive_is_not_graded_as_a_folder(tmp_path, capsys):
    (tmp_path / "d.zip").write_bytes(packed(("4.4.py", ANSWER)))
    assert main(["grade", str(tmp_path / "d.zip"), "--out", str(tmp_path / "g")]) == 2 and "pfncache grade unpack" in capsys.readouterr().err
    assert main(["grade", "unpack", str(tmp_path / "d.zip"), "--out", str(tmp_path / "new")]) == 0
    assert main(["grade", "unpack", str(tmp_path / "d.zip"), "--out", str(tmp_path / "new")]) == 2 and "name a new folder" in capsys.readouterr().err


@pytest.mark.parametrize("name, data, advice", [
    ("4.4.zip", packed(("4.4.py", ANSWER)), "pfncache grade unpack"), ("4.4.ipynb", packed(("4.4.py", ANSWER)), "hand in the notebook"),
    ("4.4.tar.gz", b"\x1f\x8b\x08", "hand in the notebook"), ("4.4.py", ANSWER.decode().encode("utf-16"), "save it as UTF-8"),
    ("4.4.py", "# größer".encode("cp1252"), "save it as UTF-8"), ("4.4.pdf", b"%PDF-1.7", "this is a PDF")])
def test_what_is_no_submission_says_what_to_do(name, data, advice):
    with pytest.raises(NotASubmission, match=advice):
        read_submission(name, data)
