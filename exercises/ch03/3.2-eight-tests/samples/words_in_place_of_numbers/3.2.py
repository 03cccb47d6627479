tests = [("start", "end", "uhva", True, True)]
