"""Whether a deployed portal does what users need: `make smoke STACK=prod`.

smoke.js has the checks. It runs here, with Node, or as a Job in the portal's image, for portals
that only their network reaches; the Job also asks the database. What pods run, kubectl says.
"""
