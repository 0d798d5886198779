"""`/openapi.json`: the published description of every API this server speaks.

Made from the structs that the handlers decode and answer with. Empty here, since the dialects
import `operation` and `document` imports the dialects.
"""
