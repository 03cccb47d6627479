apply = ['a', 'c', 'i', 'j']
