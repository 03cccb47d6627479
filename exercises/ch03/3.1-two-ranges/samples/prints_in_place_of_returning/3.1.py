def overlaps(start, end, first, length):
    print(max(start, first) < min(end, first + length))
