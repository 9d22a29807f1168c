# TSR_FOLDERS: where the build and the installation lie. libtool and make take names apart at blanks and at what means
# something to a shell, so that such folders are refused here, before a minute of compiling. Letters beyond ASCII are fine.
AC_DEFUN([TSR_FOLDERS], [
  TSR_FOLDER_NAME([the build's folder], [`pwd`], [move the source, or build in a folder without them])
  TSR_FOLDER_NAME([the source's folder], [`cd "$srcdir" && pwd`], [move the source to a folder without them])
  AS_IF([test "x$prefix" = xNONE], [tsr_prefix=$ac_default_prefix], [tsr_prefix=$prefix])
  TSR_FOLDER_NAME([the prefix], [$tsr_prefix], [name a prefix without them])

  # The program finds its library from where it lies itself, so that it starts without ldconfig and below a DESTDIR.
  AS_IF([test "x$exec_prefix" = xNONE], [tsr_exec_prefix=$tsr_prefix], [tsr_exec_prefix=$exec_prefix])
  tsr_bindir=`prefix=$tsr_prefix exec_prefix=$tsr_exec_prefix; eval echo "$bindir"`
  tsr_libdir=`prefix=$tsr_prefix exec_prefix=$tsr_exec_prefix; eval echo "$libdir"`
  TSR_LIBRARY_PATH=$tsr_libdir
  AS_CASE([$tsr_bindir:$tsr_libdir], ["$tsr_exec_prefix/bin:$tsr_exec_prefix/"*],
    [TSR_LIBRARY_PATH='$$ORIGIN/..'`expr "X$tsr_libdir" : "X$tsr_exec_prefix\(.*\)"`])
  AC_SUBST([TSR_LIBRARY_PATH])
])

# TSR_FOLDER_NAME(WHAT, NAME, REMEDY)
AC_DEFUN([TSR_FOLDER_NAME], [
  tsr_folder=$2
  tsr_special=`printf %s "$tsr_folder" | LC_ALL=C tr -d 'A-Za-z0-9_/.,+@^\200-\377-'`
  AS_IF([test "x$tsr_special" != x],
        [AC_MSG_ERROR([$1 is '$tsr_folder': libtool cannot build with blanks or special characters ('$tsr_special') in it; $3])])
])

# TSR_BUILT_WITH: folders and flags are compiled in, and make does not see that they changed. So where configure runs
# with others than before, what was built with those is removed. At the end of configure.ac.
AC_DEFUN([TSR_BUILT_WITH], [
  tsr_built_with=`AS_ECHO(["$tsr_prefix $tsr_bindir $tsr_libdir $CC $CPPFLAGS $CFLAGS $LDFLAGS $LIBS"]) | tr "'" ' '`
  AC_CONFIG_COMMANDS([built-with], [
    AS_IF([test -f built-with && test "x$tsr_built_with" != "x`cat built-with`"], [
      AC_MSG_NOTICE([other folders or flags than before: removing what was built with those])
      ${MAKE-make} clean >/dev/null || AS_EXIT([1])
    ])
    AS_ECHO(["$tsr_built_with"]) >built-with
  ], [tsr_built_with='$tsr_built_with'])
])
