"""Print the built book as one PDF: a cover, contents, every page in the book's order, the index; with bookmarks, links and page numbers.

    python book/print_pages.py SITE OUT.pdf CHROMIUM [PAGE …]

The pages are bound into one document (`paper/bind.js`), which Chromium prints, so that headings become bookmarks and links
lead on. Page numbers are known only from a print: it is printed until they no longer change.
"""
import functools
import html
import http.server
import json
import pathlib
import re
import sys
import threading
import time

from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter

ROOT = pathlib.Path(__file__).parent
TITLE = "Inside pfncache"
ONLY_ON_SCREEN = {"progress"}                        # a reader's own points, in the browser that keeps them
PRINTS = 4                                           # trials until the numbers settle; two are usual
NOTE = """<div class="note"><p>This is the book on paper. Where a page of the site can be played with, here is its still picture.
Answers stand at the end of each chapter, where the question says on which page. Code that the site folds away is in its notebooks.</p>
<p>Text: CC BY 4.0. Code: MIT. Not affiliated with the Linux kernel project.</p></div>"""
SKELETON = """<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8"><title>{title}</title>{styles}
<style>{css}</style><script>{script}</script></head><body></body></html>"""


def pages(toc: str) -> list[str]:
    """The names of the pages that are printed, the first one first."""
    found = re.findall(r"^root: (\S+)", toc, re.M) + re.findall(r"- file: (\S+)", toc)
    return [name for name in found if name not in ONLY_ON_SCREEN]


def skeleton(site: pathlib.Path) -> str:
    """An empty document with the styles of the book's pages, and those of paper."""
    links = re.findall(r'<link href="_static/[^>]*rel="stylesheet"[^>]*>|<link rel="stylesheet"[^>]*>', (site / "index.html").read_text(encoding="utf-8"))
    css, script = ((ROOT / "paper" / name).read_text(encoding="utf-8") for name in ("paper.css", "bind.js"))
    return SKELETON.format(title=html.escape(TITLE), styles="".join(links), css=css, script=script)


def numbers(pdf: pathlib.Path) -> dict[str, int]:
    """On which page each place is that something leads to."""
    reader = PdfReader(pdf)
    return {name.removeprefix("/"): reader.get_destination_page_number(place) + 1 for name, place in reader.named_destinations.items()}


def finish(pdf: pathlib.Path) -> int:
    """Say who wrote it, and have it opened with its bookmarks; how many pages it has."""
    writer = PdfWriter(clone_from=pdf)
    writer.add_metadata({"/Title": TITLE, "/Author": f"the authors of {TITLE}"})
    writer.page_mode = "/UseOutlines"
    writer.write(pdf)
    return len(writer.pages)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def bound(page, address: str, site: pathlib.Path, names: list[str]) -> None:
    """Open all pages as one."""
    page.route(address + "paper.html", lambda route: route.fulfill(body=skeleton(site), content_type="text/html"))
    page.goto(address + "paper.html")
    page.evaluate(f"bind({json.dumps(names)}, {json.dumps(TITLE)}, {json.dumps(NOTE)})")
    page.wait_for_load_state("networkidle")


def print_until_settled(page, out: pathlib.Path) -> int:
    """Print, write the page numbers, and print again while one changes; how many times it was printed."""
    for times in range(1, PRINTS + 1):
        page.pdf(path=out, prefer_css_page_size=True, print_background=True, outline=True, tagged=True)
        if not page.evaluate(f"number({json.dumps(numbers(out))})"):
            return times
    raise SystemExit(f"the page numbers still change after {PRINTS} prints")


def main(site: pathlib.Path, out: pathlib.Path, chromium: str, names: list[str]) -> None:
    started = time.monotonic()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    out.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(color_scheme="light")
        bound(page, f"http://127.0.0.1:{server.server_address[1]}/", site, names)
        times = print_until_settled(page, out)
        browser.close()
    server.shutdown()
    server.server_close()
    count = finish(out)
    print(f"{out}: {count} pages, {out.stat().st_size / 1e6:.1f} MB, printed {times} times in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    site, out, chromium, *names = sys.argv[1:]
    main(pathlib.Path(site), pathlib.Path(out), chromium, names or pages((ROOT / "_toc.yml").read_text(encoding="utf-8")))
