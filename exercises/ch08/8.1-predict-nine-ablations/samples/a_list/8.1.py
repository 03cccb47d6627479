EXPECTED = ["wasteful", "violated"]
