CLAIMS = {"a": True, "b": False, "c": True}
ARGUMENT = """The second look is needed for safety, since the cache may have changed while no lock was held. Without the second look we would store
False into a cache which by then holds another page, and its users would write to a page which is gone. So it must stay where it is."""
