def overlaps(start, end, first, length):
    return start <= first and first + length <= end
