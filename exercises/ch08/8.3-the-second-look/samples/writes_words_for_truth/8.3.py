CLAIMS = {"a": "no", "b": "no", "c": "yes"}
ARGUMENT = """\
The second look under the write lock is not needed for safety. Between the two looks nobody holds the lock, so a refresh may begin; but the
event count is up until the event ends, and a refresh that sees it tries again. So the cache can only become invalid meanwhile, and storing
False once more harms nobody. I would keep it all the same: the function is then correct by itself, also if one day the count no longer
stops a refresh, or if withdrawing gets a side effect. It costs a few loads under a lock that is held anyway."""
