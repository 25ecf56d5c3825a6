"""What the page says about how it was measured."""

METHOD = """\
## What was compared

**The people** are made up, the same for the same seed: 200 skills with Zipf popularity mixed per department, 30
departments, 20 sites in their time zones, 5 languages, ages 21 to 38 and 40 to 66 told as five-year bands, 4 to 8
three-hour slots a week within 8:00 to 20:00 local time. Mentors offer 4 to 10 skills at levels 1 to 5, mentees want 3
to 6 at priorities 1 to 3. Capacities are 1, 2 and 3 with shares .5, .3 and .2; there are up to 3 previous pairings,
and reporting lines of about 40. About a fifth of all pairs break no rule. Grades, interests and skills given back are
not in the data. The policy is the default one; the aim is the highest total score.

**The clock** runs from the people as columns to the chosen pairs. Imports, loading, and the compilation of the engine's
loops (each contender first solves 60 people) are outside of it; the JSON has their seconds. All may use all cores.

**Scoring for the others** is the fastest exact one that we could write in NumPy: whole rows of 16-bit numbers. Matrix
products with masks are listed beside it. Solvers get costs in the form that needs the least memory: SciPy and `lap`
doubles, `lapjv` 32-bit floats in a square. A mentor with several places stands in several columns; staying alone is
worth 0.

**The flow on lists** sees each mentee's best {top} mentors only, which is not the same problem: its total may be below
the optimum. **mentor-match** is given the scores as a look-up; it keeps a Python object per pair and gives each mentor
one mentee. It is installed in a folder of its own, because its module has our service's name.

**The bare matrix product** multiplies {features} as 32-bit floats: how far each mentor lifts in each of 200 skills, 40
weekly slots, and one place for each department, site, set of languages and birth band. It applies no rule, caps
nothing and keeps nothing. **The look at all pairs** applies every rule and scores to the point.

**A contender that was not run** at a size is listed with its reason: the memory it needs, or the time expected from the
size before (the limit is {limit} s). The others are compared up to 10,000 people, which is what their solvers are used
for; beyond that the engine is compared with one look at all pairs and with the matrix product.
"""
