def overlaps(start, end, first, length):
    last = first + length - 1
    if start <= first < end:
        return True
    if start <= last < end:
        return True
    return first < start < end <= last
