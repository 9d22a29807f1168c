# The manual pages and --help say the same: every command has a section, and the section has the command's options
# and exit statuses, and no others. The pages are also formatted, by what formatters there are, without a warning.
failed=0
fail() {
    echo "$*"
    failed=1
}

tessera() {
    "$TSR_BUILD/tessera" "$@"
}

page=$TSR_SOURCE/man/tessera.1

# The page's text below ".SS tessera COMMAND", plain: no requests, hyphens as they are typed.
section() {
    sed -n "/^\.SS tessera $1 /,/^\.S[HS] /p" "$page" | sed -e 's/\\-/-/g' -e 's/\\f[A-Z]//g' -e '1d'
}

options_of() {
    grep -oE -- '(^|[ ,(])--?[a-z]+(-[a-z]+)*' | grep -oE -- '-[a-z-]+' | sort -u
}

# Options stand at the beginning of help's lines, and behind .B or .BR in the page's.
in_help() {
    tessera "$1" --help | sed -nE 's/^ +(-[^ ].*)/\1/p; s/^Usage: .*\[(--json)\].*/\1/p' |
        sed 's/   .*//' | options_of
}

in_page() {
    section "$1" | sed -nE '/^\.TP/{n;p;}' | tr '"' ' ' | options_of
}

statuses_in_help() {
    tessera "$1" --help | tr '\n' ' ' | sed -n 's/.*Exit status: //p' | grep -oE '(^|; )[0-9]+' | grep -oE '[0-9]+'
}

statuses_in_page() {
    sed -n '/^\.SH "EXIT STATUS"/,/^\.SH ENVIRONMENT/p' "$page" | sed -nE 's/^\.B ([0-9]+)$/\1/p'
}

commands=$(tessera --help | sed -nE 's/^  ([a-z]+) +[a-z].*/\1/p' | grep -vx tessera)
[ -n "$commands" ] || fail "--help lists no commands"
for command in $commands; do
    [ -n "$(section "$command")" ] || fail "tessera.1 has no section on 'tessera $command'"
    [ "$(in_help "$command")" = "$(in_page "$command")" ] ||
        fail "options of $command: --help has" $(in_help "$command") "and tessera.1" $(in_page "$command")
    for status in $(statuses_in_help "$command"); do
        statuses_in_page | grep -qx "$status" || fail "tessera.1 lacks the exit status $status, of $command"
    done
    grep -q "^\.B tessera $command\$" "$page" || fail "the synopsis of tessera.1 lacks $command"
done
for command in $(sed -nE 's/^\.SS tessera ([a-z]+).*/\1/p' "$page"); do
    echo "$commands" | grep -qx "$command" || fail "tessera.1 has a section on '$command', which is no command"
done

for manual in "$page" "$TSR_SOURCE/man/tessera-plugin.7"; do
    if command -v groff >/dev/null; then
        said=$(groff -t -ww -man -Tutf8 -z "$manual" 2>&1)
        [ -z "$said" ] || fail "groff: $said"
    fi
    if command -v mandoc >/dev/null; then
        said=$(mandoc -Tlint -Wstyle "$manual")
        [ -z "$said" ] || fail "mandoc: $said"
    fi
done
exit $failed
