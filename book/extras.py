"""What a site may have beside its pages, if it was built: all notebooks in a JupyterLab in the browser, and the book as a PDF.

    python book/extras.py SITE [_build/lite] [_build/inside-pfncache.pdf]

Those that are named are put into the site, those of an earlier build are taken out, and the landing page links what is there.
"""
import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "_ext"))
from linked import link, link_tree  # noqa: E402

LAB, PDF = "lite", "inside-pfncache.pdf"
PLACE = re.compile(r'(<div class="pfn-extras">).*?(</div>)', re.DOTALL)
LAB_ITEM = """<li><p><a href="{lab}/lab/index.html?path=START-HERE.md">All chapters and exercises in JupyterLab</a>, in this browser: nothing is installed. Its Python is
{size:.0f} MB and starts after some ten seconds. It has no matplotlib: the four figures of chapter 7 are there as drawn for the book; run
again, they are told in words.</p></li>"""
PDF_ITEM = """<li><p><a href="{pdf}">The book as one PDF</a>, to print or to take along: {pages} pages, {size:.0f} MB, with answers at the end of each chapter.</p></li>"""


def size(path: pathlib.Path) -> float:
    """MB of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def items(site: pathlib.Path) -> list[str]:
    """A line of HTML for each extra that the site has."""
    found = []
    if (site / LAB).exists():
        found.append(LAB_ITEM.format(lab=LAB, size=size(site / LAB / "static/pyodide")))
    if (site / PDF).exists():
        from pypdf import PdfReader
        found.append(PDF_ITEM.format(pdf=PDF, pages=len(PdfReader(site / PDF).pages), size=size(site / PDF)))
    return found


def offer(site: pathlib.Path, extras: list[pathlib.Path]) -> None:
    """Make the site's extras these and no others, and say so on its landing page."""
    shutil.rmtree(site / LAB, ignore_errors=True)
    (site / PDF).unlink(missing_ok=True)
    for extra in extras:
        (link_tree if extra.is_dir() else link)(extra, site / extra.name)
    found = items(site)
    landing = site / "index.html"
    text = landing.read_text(encoding="utf-8")
    inside = f"\n<h3>More than these pages</h3>\n<ul>{''.join(found)}</ul>\n" if found else ""
    landing.write_text(PLACE.sub(lambda place: place[1] + inside + place[2], text), encoding="utf-8")


if __name__ == "__main__":
    offer(pathlib.Path(sys.argv[1]), [pathlib.Path(name) for name in sys.argv[2:]])
