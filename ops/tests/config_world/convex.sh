#!/bin/sh
# A stand-in for the Convex CLI: `env list|get|set|remove` over one file a variable, for two deployments. The line "N WHAT"
# in $REMOTE/convex.faults makes the N-th call go wrong.
set -eu
deployment=dev
for word in "$@"; do [ "$word" != --prod ] || deployment=prod; done
mkdir -p "$REMOTE/$deployment"
count=$(($(cat "$REMOTE/convex.count" 2>/dev/null || echo 0) + 1))
echo $count >"$REMOTE/convex.count"
echo "$*" >>"$REMOTE/convex.calls"
fault=$(sed -n "s/^$count //p" "$REMOTE/convex.faults" 2>/dev/null || true)
input=$([ "$1 $2" != "env set" ] || cat)
case $fault in
    fail) echo "✖ the server said 500 to $input" >&2 && exit 1 ;;
    hang) : >"$REMOTE/convex.hangs" && exec sleep 600 ;;
esac
case "$1 $2" in
    "env list")
        for file in "$REMOTE/$deployment"/*; do
            [ -e "$file" ] || continue
            value=$(cat "$file")
            case $value in *"#"*) value="'$value'" ;; esac
            printf '%s=%s\n' "${file##*/}" "$value"
        done
        ;;
    "env get") cat "$REMOTE/$deployment/$3" && echo ;;
    "env set") printf %s "$input" >"$REMOTE/making" && mv "$REMOTE/making" "$REMOTE/$deployment/$3" ;;
    "env remove") rm -f "$REMOTE/$deployment/$3" ;;
    *) echo "error: unknown command" >&2 && exit 1 ;;
esac
case $fault in
    lose) echo "✖ the connection broke after $input" >&2 && exit 1 ;;
    hang-after) : >"$REMOTE/convex.hangs" && exec sleep 600 ;;
esac
