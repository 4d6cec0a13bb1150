"""The Open Inference Protocol, version 2 (KServe, Triton): `tritonclient` drives a bundle as it is.

Read `inference.py` first: it follows one request from the message to the answer.
"""
