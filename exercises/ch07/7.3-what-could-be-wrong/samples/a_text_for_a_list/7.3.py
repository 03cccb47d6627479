apply = 'acdf'
