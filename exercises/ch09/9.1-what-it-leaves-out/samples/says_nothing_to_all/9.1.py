ANSWERS = dict.fromkeys("abcdef", "nothing")
