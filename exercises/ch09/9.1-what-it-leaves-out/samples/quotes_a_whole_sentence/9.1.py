ANSWERS = {"a": "Set khva to the new offset", "c": "If the guest address of a valid cache moves within its page, the refresh finds the page unchanged and returns early",
           "e": "returns early", "b": "nothing", "d": "nothing", "f": "nothing"}
