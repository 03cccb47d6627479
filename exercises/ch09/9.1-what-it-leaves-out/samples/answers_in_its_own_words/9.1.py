ANSWERS = {"a": "it updates the address", "b": "writes go astray", "c": "address moves", "d": "all", "e": "no look-up", "f": "test it"}
