"""The Sphinx side of the claims ledger: the role {claim}`id`, the directive {claims-ledger}, and a build that fails
when an id has no claim, or when a claim of a chapter in the book is used nowhere.
"""

import html
import pathlib
import re
import tomllib

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective, SphinxRole

from pfncache_edu.claims import LedgerError, read_ledger, read_stamps
from pfncache_edu.claims.ledger import FOLDER, chapters_of, stem_of

LEDGER_PAGE = "claims"
APPENDIX = {"title": "Two real kernels, counted", "page": "appendices/two-kernels"}
TREE = "https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git/tree"
KINDS = {                                               # kind of evidence -> what the ledger says of it
    "source": "read in the source", "commit": "commit message", "mail": "mail", "documentation": "the kernel's documentation",
    "recording": "recorded from the real code", "measurement": "measured", "analysis": "our analysis"}


class claim_mark(nodes.Inline, nodes.TextElement):
    """The place of a claim in the text, until it is known whether the book has a ledger page."""


# ---- in the text -----------------------------------------------------------------------------------------------------

class ClaimRole(SphinxRole):
    """{claim}`id`: a small raised mark that leads to the row of the claim in the ledger."""

    def run(self):
        id = self.text.strip()
        source, line = self.get_source_info()
        used(self.env).setdefault(self.env.docname, []).append((id, f"{source}:{line}"))
        return [claim_mark(self.rawtext, claim=id)], []


def used(env):
    """The uses of claims by page: [(id, where)]."""
    if not hasattr(env, "pfn_claims_used"):
        env.pfn_claims_used = {}
    return env.pfn_claims_used


class MarksOfClaims(SphinxPostTransform):
    """Draw the marks: a link with a name of its own where the book has a ledger page, else the mark alone."""

    default_priority = 7

    def run(self):
        for mark in list(self.document.findall(claim_mark)):
            claim = self.app.pfn_ledger.get(mark["claim"])
            mark.replace_self(self.drawn(claim) if claim else nodes.superscript("", "?"))

    def drawn(self, claim):
        mark = claim.mark if plan_of(claim.chapter)["page"] == self.env.docname else f"{claim.chapter.replace('appendix', 'A')}.{claim.mark}"
        if self.app.builder.format != "html" or LEDGER_PAGE not in self.env.found_docs:
            return nodes.superscript("", mark)
        target = f"{self.app.builder.get_relative_uri(self.env.docname, LEDGER_PAGE)}#{anchor(claim)}"
        return nodes.raw("", raised(claim, mark, target), format="html")


def raised(claim, mark, target):
    """The link of a mark, in HTML."""
    where = claim.where if claim.file else address(claim.link)
    name = html.escape(f"{KINDS[claim.evidence]}: {where}" + (f", Linux {claim.range}" if claim.range else ""))
    return (f'<sup class="pfn-claim"><a href="{target}" title="{name}" aria-label="Evidence {mark}, {name}">'
            f'{mark}</a></sup>')


def anchor(claim):
    return f"claim-{claim.id}"


# ---- the ledger ------------------------------------------------------------------------------------------------------

class ClaimsLedger(SphinxDirective):
    """{claims-ledger}: a section for each chapter, with its claims."""

    def run(self):
        for file in FOLDER.glob("*.toml"):
            self.env.note_dependency(str(file))
        ledger = self.env.app.pfn_ledger
        return [self.chapter(number, [c for c in ledger.values() if c.chapter == number]) for number in chapters_of(ledger)]

    def chapter(self, number, claims):
        """The section of a chapter, which begins with a way to the chapter if the book has it."""
        plan = plan_of(number)
        title = f"{'Chapter ' + number if number.isdigit() else 'Appendix'}: {plan['title']}"
        anchor = f"chapter-{number}" if number.isdigit() else number
        section = nodes.section("", nodes.title(title, title), ids=[anchor], names=[anchor])
        if plan["page"] in self.env.found_docs:
            to_it = addnodes.pending_xref("", nodes.inline("", "To the chapter" if number.isdigit() else "To the appendix"), refdomain="std", reftype="doc", reftarget=f"/{plan['page']}",
                                          refexplicit=True, refwarn=True, refdoc=self.env.docname)
            section += nodes.paragraph("", "", to_it)
        entries = nodes.definition_list(classes=["pfn-claims"])
        entries.extend(row(claim) for claim in claims)
        section += entries
        return section


def plan_of(number):
    if not number.isdigit():
        return APPENDIX
    plans = tomllib.loads((pathlib.Path(__file__).parents[1] / "chapters.toml").read_text(encoding="utf-8"))
    return next(({**plan, "page": f"chapters/{name}"} for name, plan in plans.items() if plan["number"] == int(number)),
                {"title": "", "page": ""})


def row(claim):
    """A claim as an entry: its mark and sentence, then where to see that it is so."""
    entries = [("single", name if " " in name else f"{name}()", anchor(claim), "", None) for name in claim.functions]
    term = nodes.term("", "", addnodes.index(entries=entries), nodes.strong("", claim.mark), nodes.Text(" "), *with_code(claim.says),
                      ids=[anchor(claim)])
    return nodes.definition_list_item("", term, nodes.definition("", nodes.paragraph("", "", *evidence(claim))))


def evidence(claim):
    """Kind, place and versions; a link for each version that shows the lines."""
    yield nodes.Text(KINDS[claim.evidence])
    if claim.file:
        yield nodes.Text(": ")
        yield from with_code(re.sub(r"([\w/.-]+\(\)|[\w-]+/[\w/.-]+)", r"`\1`", claim.where))
    for version in claim.versions:
        yield nodes.Text(", ")
        yield link_to(claim, version)
    bounds = [f"{word} {release}" for word, release in (("since", claim.since), ("until", claim.until)) if release]
    yield nodes.Text("".join(f", {bound}" for bound in bounds))
    if claim.link:
        yield nodes.Text(", ")
        yield nodes.reference("", address(claim.link), refuri=claim.link, internal=False)


def link_to(claim, version):
    """The version, linked to the lines in the kernel's tree; files of this project are not in that tree."""
    lines = claim.lines.get(version) or stamped(claim.id, version)
    text = f"Linux {version}" + (f", lines {lines[0]}–{lines[1]}" if lines else "")
    if claim.evidence in ("recording", "measurement"):
        return nodes.Text(text)
    return nodes.reference("", text, refuri=f"{TREE}/{claim.file}?h=v{version}" + (f"#n{lines[0]}" if lines else ""), internal=False)


def stamped(id, version):
    return read_stamps().get(id, {}).get(version, {}).get("lines")


def address(link):
    """What a reader sees of a link: the commit, the mail's name, or the address."""
    commit, mail = re.search(r"/c/([0-9a-f]{12})|id=([0-9a-f]{12})", link), re.search(r"lore\.kernel\.org/\w+/([^/]+)", link)
    return f"commit {commit[1] or commit[2]}" if commit else mail[1] if mail else link.removeprefix("https://")


def with_code(text):
    """Text with what stands between backticks as code."""
    for number, part in enumerate(text.split("`")):
        if part:
            yield nodes.literal("", part) if number % 2 else nodes.Text(part)


# ---- the build fails -------------------------------------------------------------------------------------------------

def dangling(uses, ledger):
    """A line for each use of an id that no claim has: where, and the sentence."""
    for page, found in uses.items():
        for id, where in found:
            if id not in ledger:
                yield f"{where}: no claim has the id {id!r}, in: “{sentence_before(where.rpartition(':')[0], id)}”"


def sentence_before(file, id):
    """The sentence that ends with a claim, as it stands in the page's source."""
    path = pathlib.Path(file)
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if path.suffix == ".ipynb":
        import nbformat
        text = "\n\n".join(cell.source for cell in nbformat.reads(text, as_version=4).cells if cell.cell_type == "markdown")
    paragraph = " ".join(text.partition(f"{{claim}}`{id}`")[0].rpartition("\n\n")[2].split())
    return re.split(r"(?<=[.!?:]) ", re.sub(r"\{claim\}`[^`]*`", "", paragraph))[-1]


def unused(uses, ledger, pages):
    """A line for each claim that no page refers to; chapters that are not in the book are left out."""
    ids = {id for found in uses.values() for id, _ in found}
    for claim in ledger.values():
        if claim.id not in ids and plan_of(claim.chapter)["page"] in pages:
            yield f"{stem_of(claim.chapter)}.toml: no page refers to the claim {claim.id!r}: write {{claim}}`{claim.id}` or delete it"


def read_claims(app):
    try:
        app.pfn_ledger = read_ledger()
    except LedgerError as problem:
        raise ExtensionError(str(problem)) from None


def check(app, env):
    problems = [*dangling(used(env), app.pfn_ledger), *unused(used(env), app.pfn_ledger, env.found_docs)]
    if problems:
        raise ExtensionError("the claims ledger and the book do not agree:\n  " + "\n  ".join(problems))


def forget(app, env, docname):
    used(env).pop(docname, None)


def merge(app, env, docnames, other):
    used(env).update({name: found for name, found in used(other).items() if name in docnames})


def setup(app):
    app.add_node(claim_mark)
    app.add_role("claim", ClaimRole())
    app.add_directive("claims-ledger", ClaimsLedger)
    app.add_post_transform(MarksOfClaims)
    app.connect("builder-inited", read_claims)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("env-check-consistency", check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
