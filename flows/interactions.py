"""`python -m bytewax.run flows.interactions`"""

from flows.streaming.dataflow import run

flow = run("interactions")
