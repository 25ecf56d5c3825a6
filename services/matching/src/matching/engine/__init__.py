"""The matching engine: scores of all pairs at once, and the best choice among them, proven.

``solve(instance) -> solution`` knows nothing of people; everything around it is replaceable one by one.
"""
