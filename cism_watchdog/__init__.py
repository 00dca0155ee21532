"""The watchdog: notices that the engine is silent or late, and pages the coordinator by mail.

It is not the engine: nothing in this folder imports anything of ours or of others, only Python's own library,
so that it can be copied to another machine as it is and goes on when everything else has stopped.
"""
