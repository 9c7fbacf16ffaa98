"""`python -m bytewax.run flows.fraud`"""

from flows.streaming.dataflow import run

flow = run("fraud")
