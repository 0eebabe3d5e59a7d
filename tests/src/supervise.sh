# Runs a server ("$@") until it ends or until this script's standard input does. The tests hold the other end of that
# pipe, so no server outlives them, however they end. Job control gives the server a process group of its own.
set -m
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{ read -r _; kill -KILL -- "-$server"; } <&3 &
watcher=$!
wait "$server"
kill -KILL -- "-$server" "-$watcher"
