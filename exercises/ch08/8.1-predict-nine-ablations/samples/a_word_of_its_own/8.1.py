EXPECTED = {"first": "slow"}
