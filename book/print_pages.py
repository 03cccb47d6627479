"""Print the pages of the built book: a PDF of each, in the order of the book, with everything open that a click would open.

    python book/print_pages.py SITE OUT CHROMIUM [PAGE …]
"""
import functools
import http.server
import pathlib
import re
import sys
import threading

from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).parent
PAGE = {"format": "A4", "print_background": True, "margin": {"top": "16mm", "bottom": "18mm", "left": "16mm", "right": "16mm"},
        "display_header_footer": True, "header_template": "<span></span>",
        "footer_template": '<span style="font-size:8px;margin:auto">Inside pfncache · <span class="title"></span> · <span class="pageNumber"></span></span>'}
OPEN = "for (const one of document.querySelectorAll('details')) one.open = true; document.querySelectorAll('.toggle-hidden').forEach(one => one.classList.remove('toggle-hidden'))"


def pages(toc: str) -> list[str]:
    """The names of the pages, the first one first."""
    return re.findall(r"^root: (\S+)", toc, re.M) + [name for name in re.findall(r"- file: (\S+)", toc) if name != "genindex"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def main(site: pathlib.Path, out: pathlib.Path, chromium: str, names: list[str]) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(color_scheme="light")
        for number, name in enumerate(names):
            page.goto(f"http://127.0.0.1:{server.server_address[1]}/{name}.html", wait_until="networkidle")
            page.evaluate(OPEN)
            page.pdf(path=out / f"{number:02}-{name.rpartition('/')[2]}.pdf", **PAGE)
            print(f"{number + 1} of {len(names)}: {name}", flush=True)
        browser.close()
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    site, out, chromium, *names = sys.argv[1:]
    main(pathlib.Path(site), pathlib.Path(out), chromium, names or pages((ROOT / "_toc.yml").read_text(encoding="utf-8")))
