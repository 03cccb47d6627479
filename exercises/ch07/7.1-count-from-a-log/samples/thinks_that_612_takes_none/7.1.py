counts = {'write_61': 24, 'nothing_61': 21, 'read_612': 0, 'write_612': 3}
