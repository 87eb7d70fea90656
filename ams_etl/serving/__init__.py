"""The HTTP server that every service of ams_etl runs: uvicorn with bounds, until it is stopped. No routes."""
