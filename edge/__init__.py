"""What runs on a box at the roadside. Never imports central.

Data flows one way: cameras -> detect -> track -> rules -> evidence -> deliver (and record, health beside it).
"""
