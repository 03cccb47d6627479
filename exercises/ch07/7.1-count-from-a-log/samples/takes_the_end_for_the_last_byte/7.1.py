counts = {'write_61': 24, 'nothing_61': 20, 'read_612': 24, 'write_612': 4}
