CLAIMS = {"a": False, "b": False, "c": True}
ARGUMENT = "The second look is good. " * 12
