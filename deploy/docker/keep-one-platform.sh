#!/bin/sh
# uWebSockets.js comes with a binary for every platform and version of Node.js, 250 MB of them. Leaves the one that this Node.js loads.
# Argument: the folder of the installed package.
set -eu
folder=$1/node_modules/uWebSockets.js
binary=$folder/uws_$(node -p 'process.platform + "_" + process.arch + "_" + process.versions.modules').node
test -f "$binary"
find "$folder" -maxdepth 1 -name 'uws_*.node' ! -path "$binary" -delete
