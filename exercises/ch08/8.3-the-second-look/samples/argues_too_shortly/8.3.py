CLAIMS = {"a": False, "b": False, "c": True}
ARGUMENT = "It is not needed."
