"""A server that speaks Twilio's REST API, and a page of handsets that can be read and answered.

It stands where Twilio stands, so it knows nothing of the product: it signs with its own HMAC, runs in
real time, and writes down when things really arrived: its export is evidence.
"""
