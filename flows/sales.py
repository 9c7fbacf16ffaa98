"""`python -m bytewax.run flows.sales`"""

from flows.streaming.dataflow import run

flow = run("sales")
