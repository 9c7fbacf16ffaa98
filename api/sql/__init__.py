"""SQL texts of strangers over the lake's tables, each run in a process that can do nothing else.

`pool` holds the processes and bounds how long and how large they grow; a `worker` reads a text
(`reading`), opens the tables it names (`lake`) and lets DuckDB (`duck`) or Polars (`polar`) run it
within what the kernel allows that process (`confinement`). Nothing here knows of HTTP.
"""
