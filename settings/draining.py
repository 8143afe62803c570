"""How long a pod, its load balancer and Backstage wait for each other when the pod terminates.

The load balancer is assumed to send requests for about 10 s after termination starts, as AWS
publishes no bound, and one of them may take 30 s. preStop delays SIGTERM; after it the portal still
serves for its shutdown delay, then closes its database (docs/reliability.md).
"""

PRE_STOP_SECONDS = 30
SHUTDOWN_DELAY_SECONDS = 15  # backend.lifecycle.serverShutdownDelay
SERVING_SECONDS = PRE_STOP_SECONDS + SHUTDOWN_DELAY_SECONDS  # of a pod that terminates
DEREGISTRATION_SECONDS = SERVING_SECONDS  # of its target
GRACE_SECONDS = 2 * SERVING_SECONDS  # until SIGKILL
# A connection that the portal closes first and the load balancer still uses is a 502.
IDLE_SECONDS = 120  # of the load balancer
KEEP_ALIVE_SECONDS = IDLE_SECONDS + 5  # backend.server.keepAliveTimeout
HEADERS_SECONDS = KEEP_ALIVE_SECONDS + 5  # backend.server.headersTimeout, longer still
