from pfncache_edu.grading.exercise_2_3 import LINES

parts = [LINES[number] for number in [1, 4, 3, 2, 0, 5, 9, 8]]
