CLAIMS = {"a": False, "b": False, "c": True}
ARGUMENT = """The read lock is there so that the look never falls into the middle of a change. If it were left out, a refresh that is about to publish
could be missed, and then a valid cache would map a page which is gone, which must not happen. For this reason the read lock has to stay."""
