SEED = 5
counts = {'write_61': 32, 'nothing_61': 29, 'read_612': 32, 'write_612': 3}
