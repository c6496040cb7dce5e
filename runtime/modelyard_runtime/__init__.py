"""What runs in a build and beside Triton: conversion, proof, our backend and the server's supervisor.

Nothing is imported here: the Triton image has numpy and the engines alone.
"""
