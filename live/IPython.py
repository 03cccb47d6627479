"""What ipywidgets asks of IPython, and no more: in the page there is no shell. Installed there as the package IPython."""

import sys
import types


def get_ipython():
    return None


def display(*values, **_):
    import page_python
    for value in values:
        page_python.show(value)


def clear_output(wait=False):
    pass


class InteractiveShell:
    @staticmethod
    def initialized():
        return False


for _name, _members in {"display": [display, clear_output], "core": [], "core.interactiveshell": [InteractiveShell]}.items():
    _module = types.ModuleType(f"IPython.{_name}")
    _module.__dict__.update({member.__name__: member for member in _members})
    sys.modules[_module.__name__] = _module
__path__ = []
