EXPECTED = {"first": "wasteful", "read": "violated", "left": "wasteful", "right": "violated", "drop": "deadlock", "write": "violated",
            "again": "holds", "announce": "violated", "count": "violated"}
