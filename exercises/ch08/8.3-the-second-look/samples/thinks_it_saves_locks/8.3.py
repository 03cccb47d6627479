CLAIMS = {"a": False, "b": True, "c": True}
ARGUMENT = """Without the second look the write lock would be taken for every event, related or not, since nobody knows any more whether the cache
is hit. The second look therefore spares the users of the caches. It is a performance matter and has nothing to do with safety at all."""
