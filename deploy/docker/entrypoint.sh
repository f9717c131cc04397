#!/bin/sh
# Becomes the gateway's account and keeps two capabilities, those of them that the container has. Docker gives the capabilities of
# --cap-add to root only, and a process that is somebody else cannot have them but from one that was root.
set -eu
held=$(setpriv --dump | sed -n 's/^Capability bounding set: //p')
keep=-all
for capability in net_admin net_bind_service; do
  case ,$held, in
    *,"$capability",*) keep=$keep,+$capability ;;
  esac
done
exec setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs \
  --bounding-set="$keep" --inh-caps="$keep" --ambient-caps="$keep" -- "$@"
