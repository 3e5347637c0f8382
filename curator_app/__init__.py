"""The browser app, the HTTP API and the command line. Importing it loads no model library."""
