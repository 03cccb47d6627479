"""How heavy the built pages are, how soon they can be used, and what Lighthouse says: python benchmarks/pages.py

    make site; .venv/bin/python benchmarks/pages.py                  bytes and milliseconds, of each chapter and of the first page
    .venv/bin/python benchmarks/pages.py --lighthouse COMMAND        Lighthouse's four scores for each page, on a desk and on a phone

Each visit has an empty cache, and a server on this machine that neither compresses nor waits. Bytes are those of every answer
(Chromium's network events), and the same bodies as gzip would send them. A page is in use when its first widget has answered
its first press: the script presses as soon as there is a button, and looks when the widget has changed and been drawn.

COMMAND is where `npm install lighthouse`, in a folder of its own, has put node_modules/.bin/lighthouse.
"""
from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests/site")]

from browsing import CHROMIUM_FLAGS, SITE, Served  # noqa: E402
from tasks import find_chromium  # noqa: E402

COMPRESSED_ALREADY = ("font/", "image/png", "application/font")
CATEGORIES = {"performance": "performance", "accessibility": "accessibility", "best-practices": "best practices", "seo": "SEO"}
PRESETS = {"desk": ["--preset=desktop"], "phone": []}

PRESS_THE_FIRST_BUTTON = """
addEventListener("DOMContentLoaded", () => {
  const waiting = new MutationObserver(press);
  waiting.observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });
  function press() {
    const place = document.querySelector(".pfn-widget.is-live");
    const button = place?.querySelector(".pfn-live button:not([aria-disabled=true])");
    if (!button) return;
    waiting.disconnect();
    const answered = new MutationObserver(() => {
      answered.disconnect();
      requestAnimationFrame(() => setTimeout(() => { window.inUse = performance.now(); }));
    });
    answered.observe(place, { subtree: true, childList: true, characterData: true, attributes: true });
    place.querySelector("[type=radio]")?.click();
    button.click();
  }
  press();
});
"""


def chapters() -> list[str]:
    """The first page, and each chapter and appendix, as addresses in the site."""
    return ["index.html", *(path.relative_to(SITE).as_posix() for kind in ("chapters", "appendices") for path in sorted((SITE / kind).glob("*.html")))]


def weigh(browser, url: str) -> tuple[int, int]:
    """The bytes that a first visit of a page takes: as they are, and compressed where that pays. Python is not started."""
    with browser.new_context() as context:
        page, answers = context.new_page(), []
        page.on("response", lambda answer: answers.append(answer))
        page.goto(url, wait_until="networkidle")
        bodies = [(answer.header_value("content-type") or "", answer.body()) for answer in answers
                  if answer.ok and answer.url.startswith("http")]
        return sum(len(body) for _, body in bodies), sum(len(body) if kind.startswith(COMPRESSED_ALREADY) else len(gzip.compress(body, 6, mtime=0)) for kind, body in bodies)


def first_use(browser, url: str) -> float:
    """Milliseconds from the start of a first visit until the first widget has answered."""
    with browser.new_context() as context:
        page = context.new_page()
        page.add_init_script(PRESS_THE_FIRST_BUTTON)
        page.goto(url, wait_until="commit")
        return page.wait_for_function("window.inUse", polling=50, timeout=30_000).json_value()


def measure(served: Served, turns: int) -> None:
    from playwright.sync_api import sync_playwright

    print(f"| page | kB | kB compressed | in use after, ms (median of {turns}) | least to most |\n|---|---|---|---|---|")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        for path in chapters():
            plain, small = weigh(browser, served.url + path)
            page = f"| {Path(path).stem} | {plain / 1000:,.0f} | {small / 1000:,.0f} |"
            if "pfn-widget" not in (SITE / path).read_text(encoding="utf-8"):
                print(page, "no widget | |")
                continue
            times = [first_use(browser, served.url + path) for _ in range(turns)]
            print(page, f"{statistics.median(times):,.0f} | {min(times):,.0f} to {max(times):,.0f} |", flush=True)
        browser.close()


def lighthouse(command: str, url: str, options: list[str]) -> tuple[dict[str, int], list[str]]:
    """A page's scores out of 100 by category, and the audits that keep them from being full (but for performance)."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        flags = " ".join(["--headless=new", *CHROMIUM_FLAGS])
        subprocess.run([command, url, "--quiet", "--no-enable-error-reporting", "--output=json", f"--output-path={report}", f"--chrome-flags={flags}",
                        f"--only-categories={','.join(CATEGORIES)}", *options],
                       check=True, env={**os.environ, "CHROME_PATH": find_chromium()}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        told = json.loads(report.read_text(encoding="utf-8"))
    failed = [part["id"] for name in ("accessibility", "best-practices", "seo") for part in told["categories"][name]["auditRefs"]
              if part["weight"] and told["audits"][part["id"]]["score"] not in (None, 1)]
    return {name: round(100 * (told["categories"][name]["score"] or 0)) for name in CATEGORIES}, failed


def judge(served: Served, command: str, pages: list[str]) -> bool:
    """Print every page's scores; whether accessibility and best practices reach 95 everywhere."""
    good = True
    print("| page | on | " + " | ".join(CATEGORIES.values()) + " |\n" + "|---" * (len(CATEGORIES) + 2) + "|")
    for path in pages:
        for name, options in PRESETS.items():
            scores, failed = lighthouse(command, served.url + path, options)
            good &= min(scores["accessibility"], scores["best-practices"]) >= 95
            print(f"| {path.removesuffix('.html')} | {name} | " + " | ".join(map(str, scores.values())) + " |" + "  " + " ".join(failed), flush=True)
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lighthouse", metavar="COMMAND")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("pages", nargs="*", help="for Lighthouse; default: every page")
    arguments = parser.parse_args()
    if not (SITE / "index.html").exists() or not find_chromium():
        parser.error("there is no built book, or no Chromium: run `make site`, and `make test` says how to get Chromium")
    served = Served(SITE)
    try:
        if not arguments.lighthouse:
            return measure(served, arguments.turns) or 0
        every = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if "_static" not in path.parts and "reports" not in path.parts)
        return 0 if judge(served, arguments.lighthouse, arguments.pages or every) else 1
    finally:
        served.close()


if __name__ == "__main__":
    sys.exit(main())
