# TSR_COMPILER: the language, the warnings, OpenMP.
AC_DEFUN([TSR_COMPILER], [
  AC_LANG_PUSH([C])
  TSR_CFLAGS=
  for tsr_flag in -std=gnu17 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
                  -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wundef -Wformat=2 \
                  -fno-math-errno -fno-trapping-math -fvisibility=hidden; do
    TSR_TRY_CFLAG([$tsr_flag], [TSR_CFLAGS="$TSR_CFLAGS $tsr_flag"])
  done
  AC_OPENMP
  AS_IF([test "x$ac_cv_prog_c_openmp" = xunsupported],
        [AC_MSG_ERROR([the C compiler does not support OpenMP: use gcc, or clang with libomp-dev])])
  TSR_CFLAGS="$TSR_CFLAGS $OPENMP_CFLAGS"
  AC_SUBST([TSR_CFLAGS])

  # Undefined symbols of a plugin should show when it is linked, not when it is loaded. clang with a
  # sanitizer leaves its runtime undefined in shared objects, so there the linker does not take it.
  TSR_MODULE_LDFLAGS=
  tsr_save_LDFLAGS="$LDFLAGS"
  LDFLAGS="$LDFLAGS -shared -fPIC -Wl,-z,defs"
  AC_MSG_CHECKING([whether modules can be linked with -z defs])
  AC_LINK_IFELSE([AC_LANG_SOURCE([[int tsr_probe(int *x) { return x[1]; }]])],
                 [AC_MSG_RESULT([yes]); TSR_MODULE_LDFLAGS="-Wl,-z,defs"], [AC_MSG_RESULT([no])])
  LDFLAGS="$tsr_save_LDFLAGS"
  AC_SUBST([TSR_MODULE_LDFLAGS])
  AC_LANG_POP([C])
])

# TSR_TRY_CFLAG(FLAG, IF-ACCEPTED)
AC_DEFUN([TSR_TRY_CFLAG], [
  tsr_save_CFLAGS="$CFLAGS"
  CFLAGS="$CFLAGS -Werror $1"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [$2])
  CFLAGS="$tsr_save_CFLAGS"
])
