EXPECTED = {"first": "deadlock", "read": "violated", "left": "violated", "right": "wasteful", "drop": "violated", "write": "violated",
            "again": "holds", "announce": "deadlock", "count": "deadlock"}
