apply = ['a', 'c', 'f', 'h']
