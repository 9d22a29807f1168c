# The Makefile of every example is what `tessera new` writes, but for the libraries that it needs.
version=$(sed -n 's/^AC_INIT(\[tessera\], \[\(.*\)\])$/\1/p' "$TSR_SOURCE/configure.ac")
failed=0
for makefile in "$TSR_SOURCE"/examples/*/Makefile; do
    name=$(basename "$(dirname "$makefile")")
    case $name in templates | host) continue ;; esac # host is a program
    folder=$(sed -n 's,^kind_folder = .*/\([a-z]*\)"$,\1,p' "$makefile")
    case $folder in
    losses) kind=loss ;;
    *) kind=${folder%s} ;;
    esac
    libraries=$(grep '^LIBS =' "$makefile")
    sed -e "s/@NAME@/$name/g; s/@KIND@/$kind/g; s/@FOLDER@/$folder/g; s/@VERSION@/$version/g; s/^LIBS =\$/$libraries/" \
        "$TSR_SOURCE/examples/templates/Makefile" | cmp -s - "$makefile" || {
        echo "$makefile is not the template filled in"
        failed=1
    }
done
exit $failed
