"""The ASGI echo in FastPySGI, a server in C on libuv; its only argument is the port."""

import sys

import fastpysgi

from benchmarks.serving.peers.programs.asgi_echo import app

if __name__ == "__main__":
    fastpysgi.run(app, host="127.0.0.1", port=int(sys.argv[1]))
