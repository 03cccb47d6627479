EXPECTED = {"first": "wasteful", "second": "holds"}
