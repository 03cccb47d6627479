def overlaps(start, end, first, length):
    return start != end and not (end <= first or first + length <= start)
