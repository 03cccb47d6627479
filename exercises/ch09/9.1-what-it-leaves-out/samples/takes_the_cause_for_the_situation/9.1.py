ANSWERS = {"a": "Set khva to the new offset", "b": "nothing", "c": "returns early", "d": "nothing", "e": "moves within its page", "f": "nothing"}
