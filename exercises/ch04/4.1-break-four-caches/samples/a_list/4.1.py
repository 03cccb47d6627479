schedules = ["n13", "v16 n10 v6", "n6 v22 n6", "o15 v21"]
