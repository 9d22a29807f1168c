# TSR_LIBRARIES: what Tessera is built from. A missing library names its Debian package. A library that one
# plugin needs leaves out that plugin, and the summary says so.
AC_DEFUN([TSR_LIBRARIES], [
  TSR_NEED([LIBCONFIG], [libconfig >= 1.5], [libconfig-dev])
  TSR_NEED([JANSSON], [jansson >= 2.12], [libjansson-dev])
  TSR_NEED([XXHASH], [libxxhash >= 0.8], [libxxhash-dev])
  TSR_NEED([LIBMD], [libmd >= 1.0], [libmd-dev])

  AC_SEARCH_LIBS([dlopen], [dl], [], [AC_MSG_ERROR([dlopen was found in no library])])

  PKG_CHECK_MODULES([OPENBLAS], [openblas], [], [
    AC_CHECK_HEADER([cblas.h], [], [AC_MSG_ERROR([OpenBLAS not found: install libopenblas-dev])])
    AC_CHECK_LIB([openblas], [cblas_sgemm], [OPENBLAS_LIBS=-lopenblas],
                 [AC_MSG_ERROR([OpenBLAS not found: install libopenblas-dev])])
  ])

  PKG_CHECK_MODULES([LIBARCHIVE], [libarchive >= 3.3.3], [tsr_libarchive=yes], [tsr_libarchive=no])
  AM_CONDITIONAL([HAVE_LIBARCHIVE], [test $tsr_libarchive = yes])
  PKG_CHECK_MODULES([ZLIB], [zlib], [tsr_zlib=yes], [tsr_zlib=no])
  AM_CONDITIONAL([HAVE_ZLIB], [test $tsr_zlib = yes])
  PKG_CHECK_MODULES([LBFGS], [liblbfgs], [tsr_lbfgs=yes], [
    AC_CHECK_HEADER([lbfgs.h], [AC_CHECK_LIB([lbfgs], [lbfgs], [tsr_lbfgs=yes; LBFGS_LIBS=-llbfgs],
                                             [tsr_lbfgs=no])], [tsr_lbfgs=no])
  ])
  AM_CONDITIONAL([HAVE_LBFGS], [test $tsr_lbfgs = yes])
  TSR_OPEN_MPI
  PKG_CHECK_MODULES([PNG], [libpng], [tsr_png=yes], [tsr_png=no])
  AM_CONDITIONAL([HAVE_PNG], [test $tsr_png = yes])
  PKG_CHECK_MODULES([JPEG], [libjpeg], [tsr_jpeg=yes], [tsr_jpeg=no])
  AM_CONDITIONAL([HAVE_JPEG], [test $tsr_jpeg = yes])
  PKG_CHECK_MODULES([MATIO], [matio], [tsr_matio=yes], [tsr_matio=no])
  AM_CONDITIONAL([HAVE_MATIO], [test $tsr_matio = yes])
  PKG_CHECK_MODULES([ZIP], [libzip], [tsr_zip=yes], [tsr_zip=no])
  AM_CONDITIONAL([HAVE_ZIP], [test $tsr_zip = yes])
  PKG_CHECK_MODULES([PROTOBUF_C], [libprotobuf-c >= 1.4.1], [tsr_protobuf_c=yes], [tsr_protobuf_c=no])
  AC_PATH_PROG([PROTOC_C], [protoc-c])
  AS_IF([test -z "$PROTOC_C"], [tsr_protobuf_c=no])
  AM_CONDITIONAL([HAVE_PROTOBUF_C], [test $tsr_protobuf_c = yes])
  PKG_CHECK_MODULES([CHECK], [check >= 0.15], [tsr_check=yes], [tsr_check=no])
  AM_CONDITIONAL([HAVE_CHECK], [test $tsr_check = yes])
])

# TSR_OPEN_MPI: MPI_CFLAGS and MPI_LIBS, from pkg-config or from the compiler wrapper. Linked by one plugin.
AC_DEFUN([TSR_OPEN_MPI], [
  AC_ARG_WITH([mpi], [AS_HELP_STRING([--without-mpi], [leave out the executor mpi])], [], [with_mpi=check])
  tsr_mpi=no
  AS_IF([test "x$with_mpi" != xno], [
    PKG_CHECK_MODULES([MPI], [ompi-c], [tsr_mpi=yes], [
      AC_CHECK_PROG([tsr_mpicc], [mpicc], [mpicc])
      AS_IF([test -n "$tsr_mpicc" && MPI_CFLAGS=`$tsr_mpicc --showme:compile 2>/dev/null` &&
             MPI_LIBS=`$tsr_mpicc --showme:link 2>/dev/null`], [tsr_mpi=yes])
    ])
  ])
  AC_SUBST([MPI_CFLAGS])
  AC_SUBST([MPI_LIBS])
  AM_CONDITIONAL([HAVE_MPI], [test $tsr_mpi = yes])
])

# TSR_NEED(VARIABLE, MODULES, DEBIAN-PACKAGE)
AC_DEFUN([TSR_NEED], [
  PKG_CHECK_MODULES([$1], [$2], [], [AC_MSG_ERROR([$2 not found: install $3])])
])

AC_DEFUN([TSR_SUMMARY], [
  AC_MSG_NOTICE([plugins installed in $libdir/tessera])
  AS_IF([test $tsr_libarchive = no], [AC_MSG_NOTICE([left out: tessera archive (install libarchive-dev)])])
  AS_IF([test $tsr_zlib = no], [AC_MSG_NOTICE([left out: dataset idx (install zlib1g-dev)])])
  AS_IF([test $tsr_lbfgs = no],
        [AC_MSG_NOTICE([left out: probe logistic_regression (install liblbfgs-dev)])])
  AS_IF([test $tsr_mpi = no], [AC_MSG_NOTICE([left out: executor mpi (install libopenmpi-dev and openmpi-bin)])])
  AS_IF([test $tsr_png = no], [AC_MSG_NOTICE([left out: get-data cifar10 (install libpng-dev)])])
  AS_IF([test $tsr_png = no || test $tsr_jpeg = no],
        [AC_MSG_NOTICE([left out: dataset images (install libpng-dev and libjpeg-dev)])])
  AS_IF([test $tsr_matio = no], [AC_MSG_NOTICE([left out: dataset matlab (install libmatio-dev)])])
  AS_IF([test $tsr_zip = no], [AC_MSG_NOTICE([left out: dataset npy (install libzip-dev)])])
  AS_IF([test $tsr_protobuf_c = no],
        [AC_MSG_NOTICE([left out: model onnx (install libprotobuf-c-dev, 1.4.1 or newer, and protobuf-c-compiler)])])
  AS_IF([test $tsr_check = no], [AC_MSG_NOTICE([no tests: install check])])
])
