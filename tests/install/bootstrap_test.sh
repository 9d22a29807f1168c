#!/bin/sh
# bootstrap where things are not as it likes them: each is said at once or mended. No building: a stand-in for each
# of the tools that it calls writes down that it was called, in $calls.
umask 022
work=$(mktemp -d) || exit 1
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
calls=$work/calls
export calls
mkdir "$work/bin"
for tool in dpkg-query apt-get sudo autoreconf; do
    printf '#!/bin/sh\necho "%s $*" >>"$calls"\n' $tool >"$work/bin/$tool"
done
# All packages are there, unless the file says so.
cat >"$work/bin/dpkg-query" <<'END'
#!/bin/sh
[ -e "$calls.missing" ] || echo "install ok installed"
END
# autoreconf makes a configure, which makes a Makefile, which makes a program; as slow as a file's date needs.
cat >"$work/bin/autoreconf" <<'END'
#!/bin/sh
echo autoreconf >>"$calls"
[ ! -e "$calls.broken" ] || { echo 'exit 9' >configure; exit 3; }
cat >configure <<'CONFIGURE'
#!/bin/sh
echo configure >>"$calls"
printf 'all: tessera\ntessera:\n\techo make >>"$$calls"; echo built >tessera\nclean:\n\trm -f tessera\n' >Makefile
CONFIGURE
chmod +x configure
END
chmod +x "$work/bin"/*
failures=0

# checkout FOLDER: what bootstrap looks at.
checkout() {
    mkdir -p "$1/m4" "$1/plugins/probes"
    cp "$TSR_SOURCE/bootstrap" "$1"
    touch "$1/configure.ac" "$1/Makefile.am" "$1/m4/tsr_compiler.m4"
    : >"$calls"
}

# expect CLAIM FOLDER STATUS TEXT CALLS: bootstrap's exit status, a part of what it prints, the tools that it called.
expect() {
    printed=$(cd "$2" && PATH=$work/bin:$PATH ./bootstrap 2>&1)
    got=$?
    called=$(tr '\n' ' ' <"$calls")
    : >"$calls"
    case $printed in *"$4"*) [ "$got" -eq "$3" ] && [ "$called" = "$5" ] && return ;; esac
    echo "FAILED: $1: status $got, calls '$called', expected $3, '$5' and '$4' in: $printed"
    failures=$((failures + 1))
}

claim() {
    what=$1
    shift
    "$@" || {
        echo "FAILED: $what"
        failures=$((failures + 1))
    }
}

# A build and then nothing more to do.
checkout "$work/plain"
expect "a checkout is built" "$work/plain" 0 "built; try" "autoreconf configure make "
expect "what is built is not built again" "$work/plain" 0 "built; try" ""

for name in "a b" "it's" 'a$b' 'semi;colon' 'amp&' 'star*' 'quote"' '(1)' 'a:b'; do
    checkout "$work/$name"
    expect "the name '$name' is refused" "$work/$name" 1 "libtool cannot build in '$work/$name'" ""
done
# Where nothing can be run; it takes root and a mount namespace.
checkout "$work/noexec"
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
    # shellcheck disable=SC2016 # expanded inside
    printed=$(unshare -m sh -c 'cp -r "$1" "$1.copy" && mount -t tmpfs -o noexec none "$1" && cp -r "$1.copy/." "$1" &&
        cd "$1" && PATH=$2:$PATH sh ./bootstrap; echo "status $?"; ls -A | grep can-run' sh "$work/noexec" "$work/bin" 2>&1)
    case $printed in
    *"no program can be run in '$work/noexec', whose file system may be mounted noexec: move"*"status 1") ;;
    *)
        echo "FAILED: a file system without programs is told: $printed"
        failures=$((failures + 1))
        ;;
    esac
    claim "nothing is begun there" test ! -s "$calls"
else
    echo "skipped: a file system without programs, for want of root and a mount namespace"
fi

fine=$(printf 'gr\303\274n-1.0+git_@x')
checkout "$work/$fine"
expect "letters, - + _ @ and . are fine" "$work/$fine" 0 "built" "autoreconf configure make "

checkout "$work/late"
touch -d '2 days' "$work/late/Makefile.am"
expect "a file from the future is told and mended" "$work/late" 0 "of a later date, ./Makefile.am among them" \
    "autoreconf configure make "
expect "and that is that" "$work/late" 0 "built" ""
touch -d '2 days' "$work/late/tessera" "$work/late/configure" "$work/late/Makefile"
expect "what a wrong clock built is built anew" "$work/late" 0 "of a later date" "autoreconf configure make "
expect "once" "$work/late" 0 "built" ""

checkout "$work/open"
mkdir "$work/open/plugins/probes/.libs"
: >"$work/open/plugins/probes/.libs/knn.so"
chmod -R a+rwX "$work/open"
expect "a checkout that all may write is built" "$work/open" 0 "built" "autoreconf configure make "
claim "nobody else may write plugins then" [ -z "$(find "$work/open/plugins" -perm /022)" ]
(umask 0 && cd "$work/open" && rm -f tessera && PATH=$work/bin:$PATH ./bootstrap 2>/dev/null)
claim "what is built with umask 0 is the owner's" [ -z "$(find "$work/open/tessera" -perm /022)" ]
: >"$calls"

checkout "$work/cut"
: >"$calls.broken"
expect "a tool that fails is told" "$work/cut" 1 "failed: making configure" "autoreconf "
rm "$calls.broken"
expect "what was cut off is done again" "$work/cut" 0 "half done is done again" "autoreconf configure make "
expect "and once" "$work/cut" 0 "built" ""

if [ "$(id -u)" -ne 0 ]; then
    checkout "$work/locked"
    chmod a-w "$work/locked"
    expect "a folder that cannot be written is told" "$work/locked" 1 "cannot write into '$work/locked'" ""
fi
[ "$failures" -eq 0 ]
