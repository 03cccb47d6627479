ANSWERS = {"a": "Set khva to the new offset", "b": "nothing", "c": None, "d": None}
