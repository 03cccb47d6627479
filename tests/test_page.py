"""What a chapter shows of our code is that code."""
import inspect

from pfncache_edu import MUTANTS, explore, scenarios
from pfncache_edu.kvm import pfncache, v6_1
from pfncache_edu.render.page import changes, drawn, listing, table

HOOK = "gfn_to_pfn_cache_invalidate_start"


def test_a_listing_is_the_source_under_the_name_of_its_file():
    shown = listing(pfncache.kvm_gpc_check)._repr_markdown_()
    assert inspect.getsource(pfncache.kvm_gpc_check.function) in shown
    assert shown.startswith("`kvm_gpc_check()` in `kvm/pfncache.py`")


def test_a_difference_holds_both_versions_line_for_line():
    old, new = getattr(v6_1, HOOK), getattr(pfncache, HOOK)
    lines = changes(old, new)._repr_markdown_().split("```diff\n")[1].removesuffix("\n```").splitlines()
    assert [line[1:] for line in lines if line[0] != "+"] == inspect.getsource(old.function).splitlines()
    assert [line[1:] for line in lines if line[0] != "-"] == inspect.getsource(new.function).splitlines()


def test_a_table_has_a_head_and_says_the_same_as_text():
    shown = table(["variant", "states"], [("a < b", 1234)])
    assert "<th scope=\"col\">variant</th>" in shown._repr_html_() and "a &lt; b" in shown._repr_html_() and "1,234" in shown._repr_html_()
    assert repr(shown) == "variant | states\na < b | 1234"


def test_a_picture_is_named_by_its_title():
    verdict = explore(scenarios.page_moves_during_use(MUTANTS["clears_under_the_read_lock"].livepatch))
    picture = drawn(verdict, title="too late")
    assert repr(picture) == "picture: too late" and "<title>too late</title>" in picture._repr_svg_()
