"""What a project's rows are like: profiles and charts, worked out by DuckDB where the rows are.

Runs in the processes of `api.sql`, on their views, under their limits; what leaves them is figures,
never rows. Everything here works on any DuckDB connection, and nothing knows of HTTP.
"""
