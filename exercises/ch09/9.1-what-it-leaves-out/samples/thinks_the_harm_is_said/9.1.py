ANSWERS = {"a": "Set khva to the new offset", "b": "with the old khva", "c": "moves within its page", "d": "nothing", "e": "returns early", "f": "nothing"}
