ANSWERS = {"a": "set khva to the new offset", "b": "nothing", "c": "moves within its page", "d": "nothing", "e": "returns early", "f": "nothing"}
