ANSWERS = {"a": "Set khva to the new offset", "b": "nothing", "c": "nothing", "d": "nothing", "e": "returns early", "f": "nothing"}
