matches = "decides_before_it_retakes_the_lock"
