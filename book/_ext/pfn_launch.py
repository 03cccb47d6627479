"""Each page as a file, and as a notebook that runs elsewhere: the menu in the head of a page.

Addresses on Binder and Colab are made from one setting, `repository_url` in `_config.yml`. While it is empty there is
nothing to launch, and the menu does not offer it. Colab opens a notebook alone: `book/launch.py` writes the setting,
and into each notebook the lines that fetch its package there.
"""

import pathlib
import urllib.parse

from sphinx.errors import ExtensionError

BINDER, COLAB = "https://mybinder.org", "https://colab.research.google.com"


def launchers(repository: str, branch: str, notebook: str) -> dict[str, str]:
    """Where a notebook of a repository runs: {name: address}. Colab knows GitHub only."""
    if not repository:
        return {}
    host, project = parts_of(repository)
    branch, notebook = urllib.parse.quote(branch, safe=""), urllib.parse.quote(notebook)
    if host == "github.com":
        provider = f"gh/{project}"
    elif host == "gitlab.com":
        provider = f"gl/{urllib.parse.quote(project, safe='')}"
    else:
        provider = f"git/{urllib.parse.quote(f'https://{host}/{project}', safe='')}"
    found = {"Binder": f"{BINDER}/v2/{provider}/{branch}?urlpath=lab/tree/{notebook}"}
    if host == "github.com":
        found["Colab"] = f"{COLAB}/github/{project}/blob/{branch}/{notebook}"
    return found


def parts_of(repository: str) -> tuple[str, str]:
    """Host and project of a repository's address."""
    address = urllib.parse.urlsplit(repository)
    project = address.path.strip("/").removesuffix(".git")
    if address.scheme != "https" or not address.netloc or "/" not in project:
        raise ExtensionError(f"repository_url in _config.yml is {repository!r}: write the address of a repository, "
                             "such as https://github.com/example/inside-pfncache, or leave it empty")
    return address.netloc, project


def add_menu(app, pagename, templatename, context, doctree):
    """Give the page's menu its entries; other extensions may add to `pfn_menu`: {text, href, file name to save as, external}."""
    if doctree is None:
        return
    source = context.get("sourcename", "")
    context["pfn_menu"] = menu = [{"text": f"Save this page as {kind}", "href": f"{context['pathto']('_sources', 1)}/{source}",
                                   "download": pathlib.PurePosixPath(source).name}
                                  for kind in [kind_of(source)] if kind]
    options = app.config.html_theme_options
    if source.endswith(".ipynb"):
        path = f"{options.get('path_to_docs', '').strip('/')}/{source}".lstrip("/")
        for name, address in launchers(options.get("repository_url", ""), options.get("repository_branch") or "main", path).items():
            menu.append({"text": f"Run it on {name}", "href": address, "external": True})


def kind_of(source: str) -> str:
    """What a page's source is, in words; nothing for a page without one."""
    return {".ipynb": "a notebook", ".md": "Markdown"}.get(pathlib.PurePosixPath(source).suffix, "")


def setup(app):
    app.connect("html-page-context", add_menu)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
