"""The same widget class, in JupyterLab with a kernel."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

COUNTER = '''
import traitlets
from pfncache_edu.widgets.live_widget import LiveWidget

class Counter(LiveWidget):
    _esm = """export default { render({ model, el }) {
      const button = document.createElement("button");
      const draw = () => { button.textContent = `count ${model.get("n")}`; };
      button.onclick = () => { model.set("n", model.get("n") + 1); model.save_changes(); };
      model.on("change:n", draw);
      draw();
      el.append(button);
    } }"""
    n = traitlets.Int().tag(sync=True)

    @traitlets.observe("n")
    def _jump(self, change):
        if change.new == 6:
            self.n = 60

Counter(n=5)
'''


def test_a_widget_talks_to_its_kernel(jupyterlab):
    page = jupyterlab([COUNTER])
    counter = page.get_by_role("button", name="count")
    counter.click()
    counter.filter(has_text="count 60").wait_for()
