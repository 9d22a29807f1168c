# TSR_PYTHON
# Where the Python package goes: below the prefix, in the folder that PYTHON looks in there. Debian's has its own names
# for those of /usr and /usr/local.
AC_DEFUN([TSR_PYTHON], [
AC_ARG_VAR([pythondir], [where the Python package is installed])
AC_MSG_CHECKING([where the Python package is installed])
AS_IF([test "x$pythondir" != x], [],
      [test "x$PYTHON" = xno], [pythondir='${datadir}/tessera/python'],
      [pythondir=`"$PYTHON" - "$prefix" <<'END'
import sys
prefix, version = sys.argv[[1]], "python%d.%d" % sys.version_info[[:2]]
debian = any(path.endswith("dist-packages") for path in sys.path)
if debian and prefix == "/usr":
    print("${prefix}/lib/python3/dist-packages")
elif debian and prefix in ("NONE", "/usr/local"):
    print("${prefix}/lib/%s/dist-packages" % version)
else:
    print("${prefix}/lib/%s/site-packages" % version)
END
`])
AS_IF([test "x$pythondir" = x], [pythondir='${datadir}/tessera/python'])
AC_MSG_RESULT([$pythondir])
AC_SUBST([pythondir])
])
