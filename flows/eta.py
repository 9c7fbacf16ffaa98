"""`python -m bytewax.run flows.eta`"""

from flows.streaming.dataflow import run

flow = run("eta")
