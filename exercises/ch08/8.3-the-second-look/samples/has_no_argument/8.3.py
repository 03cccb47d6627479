CLAIMS = {"a": False, "b": False, "c": True}
