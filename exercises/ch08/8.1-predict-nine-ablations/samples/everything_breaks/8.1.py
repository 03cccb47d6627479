EXPECTED = dict.fromkeys(("first", "read", "left", "right", "drop", "write", "again", "announce", "count"), "violated")
