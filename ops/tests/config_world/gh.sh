#!/bin/sh
# A stand-in for gh: `secret list|set|delete --env NAME` over one file a secret. Faults as in convex.sh.
set -eu
count=$(($(cat "$REMOTE/gh.count" 2>/dev/null || echo 0) + 1))
echo $count >"$REMOTE/gh.count"
echo "$*" >>"$REMOTE/gh.calls"
fault=$(sed -n "s/^$count //p" "$REMOTE/gh.faults" 2>/dev/null || true)
input=$([ "$1 $2" != "secret set" ] || cat)
case $fault in
    fail) echo "HTTP 403: Resource not accessible: $input" >&2 && exit 1 ;;
    hang) : >"$REMOTE/gh.hangs" && exec sleep 600 ;;
esac
case "$1 $2" in
    "secret list")
        mkdir -p "$REMOTE/gh-$4"
        line=""
        for file in "$REMOTE/gh-$4"/*; do
            [ -e "$file" ] || continue
            line="$line${line:+,}{\"name\":\"${file##*/}\",\"updatedAt\":\"$(head -1 "$file")\"}"
        done
        echo "[$line]"
        ;;
    "secret set") mkdir -p "$REMOTE/gh-$5" && printf '%s\n%s' "set $count" "$input" >"$REMOTE/gh-$5/$3" ;;
    "secret delete") rm "$REMOTE/gh-$5/$3" ;;
    *) echo "unknown command" >&2 && exit 1 ;;
esac
[ "$fault" != lose ] || { echo "the connection broke after $input" >&2 && exit 1; }
