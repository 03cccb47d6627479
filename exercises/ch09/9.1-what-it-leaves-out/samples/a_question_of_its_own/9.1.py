ANSWERS = {"a": "nothing", "g": "nothing"}
