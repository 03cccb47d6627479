EXPECTED = {"first": "wasteful", "read": "holds", "left": "violated", "right": "wasteful", "drop": "deadlock", "write": "holds",
            "again": "holds", "announce": "violated", "count": "violated"}
