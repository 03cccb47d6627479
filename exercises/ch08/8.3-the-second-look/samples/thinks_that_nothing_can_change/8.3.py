CLAIMS = {"a": False, "b": False, "c": False}
ARGUMENT = """Nothing can change between the two locks because gpc_lock is held all the time and so nobody else comes to the cache. Therefore to look
again is superfluous and one should remove it, which makes the function shorter and easier to read for everybody who comes later."""
