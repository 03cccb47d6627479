apply = ['b', 'e', 'g', 'h', 'i', 'j']
