"""The claims ledger: its form, its agreement with the book and with a kernel's source, and a build that fails without it."""
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from pfncache_edu import cli
from pfncache_edu.claims import KernelSource, LedgerError, check_claims, read_ledger, read_text, stamp_claims
from pfncache_edu.claims.ledger import EVIDENCE, LETTERS
from pfncache_edu.claims.stamps import without_stamp

ROOT = Path(__file__).parent.parent
GOOD = """[[claim]]
id = "check-is-locked"
says = "A sentence."
file = "virt/kvm/pfncache.c"
function = "kvm_gpc_check"
versions = ["6.12.117"]
evidence = "source"
"""
SOURCE = """#define LIMIT 3

static bool kvm_gpc_check(struct gpc *gpc);

struct gpc {
	int uhva;
};

static bool
kvm_gpc_check(struct gpc *gpc)
{
	if (!gpc->valid) {
		return false;
	}
	return true;
}
EXPORT_SYMBOL_GPL(kvm_gpc_check);

int other(void)
{
	return kvm_gpc_check(NULL);
}
"""


def pages():
    for file in sorted([*(ROOT / "book/chapters").glob("*.ipynb"), *(ROOT / "book/appendices").glob("*.ipynb"), *(ROOT / "book").glob("*.md")]):
        text = file.read_text()
        yield file, "\n\n".join(c.source for c in nbformat.reads(text, 4).cells if c.cell_type == "markdown") if file.suffix == ".ipynb" else text


# ---- the book's ledger -----------------------------------------------------------------------------------------------

def test_every_id_in_the_book_has_a_claim():
    ledger = read_ledger()
    for file, text in pages():
        for id in re.findall(r"\{claim\}`([^`]*)`", text):
            assert id in ledger, f"{file.name} refers to {id!r}: write this claim into a chapter_N.toml"


def test_every_claim_of_a_chapter_in_the_book_is_used():
    text = " ".join(text for _, text in pages())
    written = {"appendix"} | set(re.findall(r"^# (\d+) ·", "\n".join(text for file, text in pages() if file.suffix == ".ipynb"), re.M))
    for claim in read_ledger().values():
        if claim.chapter in written:
            assert f"{{claim}}`{claim.id}`" in text, f"delete {claim.id}, or refer to it"


def test_every_claim_about_a_source_has_a_hash_of_its_lines():
    assert [f"{claim.id} {version}" for claim, version in without_stamp(read_ledger())] == [], "run pfncache claims stamp --source DIR"


def test_each_kind_of_evidence_has_a_letter_of_its_own():
    assert len(set(LETTERS.values())) == len(EVIDENCE)


# ---- form ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("old, new, message", [
    ('id = "check-is-locked"\n', "", "claim 'number 1': id is missing: write id = "),
    ('id = "check-is-locked"', 'id = "Check"', "an id is made of small letters, digits and hyphens"),
    ('says = "A sentence."\n', "", "'check-is-locked': says is missing"),
    ('evidence = "source"\n', "", "evidence is missing: write evidence = \"source\""),
    ('"source"', '"rumour"', "evidence 'rumour' is unknown: there are source, commit"),
    ('file = "virt/kvm/pfncache.c"\n', "", 'needs file: write file = "virt/kvm/pfncache.c"'),
    ('function = "kvm_gpc_check"\n', "", 'needs function: write function = "kvm_gpc_check"'),
    ('versions = ["6.12.117"]\n', "", 'needs versions: write versions = ["6.12.117"]'),
    ('versions = ["6.12.117"]', 'versions = ["v6.12"]', "versions are exact releases in a list"),
    ('"source"', '"mail"', "needs link: write link = "),
    ('"source"', '"source"\nlink = "lore"', "link is not an address"),
    ('"source"', '"source"\nline = 3', "the key 'line' is unknown: there are evidence, file"),
    ('"source"', '"source"\nsince = "6.9"', 'since = \'6.9\' is not the name of a release: write since = "v6.9"'),
    ('"source"', '"source"\nlines = { "6.1.192" = [1, 2] }', "lines are given for 6.1.192, which is not among its versions"),
    ('"source"', '"source"\nlines = { "6.12.117" = [2, 1] }', "lines of 6.12.117 are not a first and a last line"),
    ("[[claim]]", "[claims]", "chapter_3.toml: claims is not expected: write [[claim]] before each claim"),
    ("[[claim]]", "[claim]", "chapter_3.toml: claim is not expected: write [[claim]] before each claim"),
    ("[[claim]]", "[[claim", "chapter_3.toml: this is not TOML"),
])
def test_a_claim_that_is_not_in_order_is_refused_with_what_to_write(old, new, message):
    with pytest.raises(LedgerError) as problem:
        read_text(GOOD.replace(old, new), "chapter_3.toml")
    assert message in str(problem.value) and "chapter_3.toml" in str(problem.value)


def test_an_id_is_used_once_in_the_whole_book(tmp_path):
    for chapter in (1, 2):
        (tmp_path / f"chapter_{chapter}.toml").write_text(GOOD)
    with pytest.raises(LedgerError, match="'check-is-locked' is already that of a claim of chapter 1"):
        read_ledger(tmp_path)


def test_a_claim_says_where_and_of_which_versions():
    claim, = read_text(GOOD + 'since = "v6.9"\n', "chapter_3.toml")
    assert (claim.mark, claim.where, claim.range) == ("s1", "kvm_gpc_check() in virt/kvm/pfncache.c", "6.12.117 (since v6.9)")


# ---- a kernel's source -----------------------------------------------------------------------------------------------

@pytest.fixture
def at(tmp_path):
    """`at(text)`: a source in which pfncache.c reads so, and the one claim that is made of it."""
    (tmp_path / "virt/kvm").mkdir(parents=True)
    (tmp_path / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\n")

    def write(text, **more):
        (tmp_path / "virt/kvm/pfncache.c").write_text(text)
        extra = "".join(f"{key} = {value}\n" for key, value in more.items())
        return {c.id: c for c in read_text(GOOD + extra, "chapter_3.toml")}, KernelSource.at(tmp_path)
    return write


def problem_of(ledger, source, folder):
    finding, = check_claims(ledger, source, folder)
    return finding.problem


@pytest.mark.parametrize("name, lines", [("kvm_gpc_check", (9, 16)), ("struct gpc", (5, 7)), ("other", (19, 22)), ("macro LIMIT", (1, 1)), ("nobody", None)])
def test_a_definition_is_found_from_its_return_type_to_its_brace(at, name, lines):
    assert at(SOURCE)[1].bounds("virt/kvm/pfncache.c", name) == lines


def test_lines_that_are_as_they_were_stamped_need_no_look(at, tmp_path):
    ledger, source = at(SOURCE)
    finding, = stamp_claims(ledger, source, tmp_path)
    assert finding.lines == (9, 16) and problem_of(ledger, source, tmp_path) == ""
    assert "return" not in (tmp_path / "chapter_3.stamps.json").read_text(), "no text of the source is kept"


def test_lines_that_moved_are_named_with_their_new_place(at, tmp_path):
    stamp_claims(*at(SOURCE), tmp_path)
    assert problem_of(*at("/* new */\n\n" + SOURCE), tmp_path) == "lines 9-16 moved to 11-18"


def test_lines_that_changed_are_to_be_read_again(at, tmp_path):
    stamp_claims(*at(SOURCE), tmp_path)
    assert problem_of(*at(SOURCE.replace("return false", "return true")), tmp_path) == "lines 9-16 have changed: read them again, and the claim"


def test_indentation_alone_is_no_change(at, tmp_path):
    stamp_claims(*at(SOURCE), tmp_path)
    assert problem_of(*at(SOURCE.replace("\treturn", "        return")), tmp_path) == ""


@pytest.mark.parametrize("text, more, problem", [
    (SOURCE.replace("kvm_gpc_check(", "kvm_gpc_ok("), {}, "virt/kvm/pfncache.c does not define kvm_gpc_check"),
    (SOURCE, {"lines": '{ "6.12.117" = [19, 22] }'}, "lines 19-22 are not in kvm_gpc_check, which is lines 9-16: correct `lines`"),
    (SOURCE, {"lines": '{ "6.12.117" = [9, 99] }'}, "virt/kvm/pfncache.c ends with line 22, and the claim names lines 9-99"),
    (SOURCE, {}, "has no stamp yet: run pfncache claims stamp"),
])
def test_a_claim_that_its_source_cannot_bear_out_is_named(at, tmp_path, text, more, problem):
    assert problem_of(*at(text, **more), tmp_path) == problem


def test_a_file_that_is_not_there_is_named(at, tmp_path):
    ledger, source = at(SOURCE)
    (tmp_path / "virt/kvm/pfncache.c").unlink()
    assert problem_of(ledger, source, tmp_path).startswith("there is no virt/kvm/pfncache.c in ")


def test_the_version_is_that_of_the_makefile_or_must_be_given(tmp_path):
    with pytest.raises(LedgerError, match="does not say which Linux this is: add --version"):
        KernelSource.at(tmp_path)
    assert KernelSource.at(tmp_path, "6.1.192").version == "6.1.192"


# ---- the command -----------------------------------------------------------------------------------------------------

def test_claims_are_printed_by_chapter_evidence_and_version(capsys):
    assert cli.main(["claims"]) == 0
    out = capsys.readouterr().out
    for line in ("chapter 8\n", "by chapter: ", "by evidence: source ", "by version:  6.12.117 ", "kvm_gpc_check() in virt/kvm/pfncache.c"):
        assert line in out
    assert cli.main(["claims", "--chapter", "8", "--evidence", "mail"]) == 0
    assert re.search(r"^by evidence: mail \d+$", capsys.readouterr().out, re.M)


def test_a_check_needs_a_source_and_says_so(capsys, tmp_path):
    assert cli.main(["claims", "check"]) == 2
    assert "add --source DIR" in capsys.readouterr().err
    assert cli.main(["claims", "check", "--source", str(tmp_path / "none")]) == 2
    assert "unpack a kernel's source" in capsys.readouterr().err


def test_a_check_against_another_linux_than_the_book_s_ends_with_a_question(capsys, tmp_path):
    assert cli.main(["claims", "check", "--source", str(tmp_path), "--version", "2.6.32"]) == 1
    assert "No claim names this version. Is it the right source?" in capsys.readouterr().out


# ---- the build -------------------------------------------------------------------------------------------------------

@pytest.fixture
def build(tmp_path):
    """`build(sentence)`: build a small book with a page that says it and the ledger; the finished process."""
    def run(sentence, chapters=""):
        (tmp_path / "conf.py").write_text(f"import sys; sys.path.insert(0, {str(ROOT / 'book/_ext')!r})\n"
                                          "extensions = ['myst_parser', 'pfn_claims']\nhtml_theme = 'basic'\n")
        (tmp_path / "index.md").write_text(f"# Page\n\n{sentence}\n\n```{{toctree}}\nclaims\n```\n")
        (tmp_path / "claims.md").write_text("# Ledger\n\n```{claims-ledger}\n```\n")
        return subprocess.run([sys.executable, "-m", "sphinx", "-q", "-b", "html", tmp_path, tmp_path / "out"], capture_output=True, text=True)
    return run


@pytest.mark.slow
def test_a_mark_leads_to_the_row_of_its_claim_and_has_a_name(build, tmp_path):
    built = build("It is in Linux since v6.9.{claim}`c8-the-commit`")
    assert built.returncode == 0, built.stderr
    mark = re.search(r"<sup.*?</sup>", (tmp_path / "out/index.html").read_text())[0]
    assert 'href="claims.html#claim-c8-the-commit"' in mark and 'aria-label="Evidence 8.c25, commit message: commit 9fa336e343b2' in mark
    assert 'id="claim-c8-the-commit"' in (tmp_path / "out/claims.html").read_text()


@pytest.mark.slow
def test_a_wrong_id_fails_the_build_with_the_sentence_and_the_file(build):
    built = build("One sentence.{claim}`c8-the-commit` Another one, which nobody looked up.{claim}`c8-no-such-claim`")
    assert built.returncode != 0
    assert re.search(r"index\.md:3: no claim has the id 'c8-no-such-claim', in: “Another one, which nobody looked up\.”", built.stderr)


def test_a_claim_that_no_page_refers_to_fails_the_build():
    sys.path.insert(0, str(ROOT / "book/_ext"))
    try:
        import pfn_claims
    finally:
        sys.path.pop(0)
    ledger = {c.id: c for c in read_text(GOOD, "chapter_8.toml")}
    problem, = pfn_claims.unused({}, ledger, {"chapters/look-before-you-lock"})
    assert problem.startswith("chapter_8.toml: no page refers to the claim 'check-is-locked'")
    assert not list(pfn_claims.unused({"page": [("check-is-locked", "page.md:1")]}, ledger, {"chapters/look-before-you-lock"}))
    assert not list(pfn_claims.unused({}, ledger, {"some-other-book"}))


def test_a_wrong_id_in_a_notebook_is_shown_with_its_sentence_alone():
    sys.path.insert(0, str(ROOT / "book/_ext"))
    try:
        import pfn_claims
    finally:
        sys.path.pop(0)
    page = ROOT / "book/chapters/a-page-that-moved-under-your-feet.ipynb"
    line, = pfn_claims.dangling({"page": [("c0-a-look-up-may-sleep", f"{page}:40012")]}, {})
    assert line.startswith(f"{page}:40012: no claim has the id 'c0-a-look-up-may-sleep', in: “But to look a page up may mean") and line.endswith("until it is there.”")
