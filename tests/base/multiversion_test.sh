# TSR_MULTIVERSION compiles without a warning, with optimisation and without, whatever processor all is compiled for:
# one with more or with less than the versions have, or with all of it. Where the compiler takes no such flags, no test.
include=$TSR_SOURCE/include
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cat >"$folder/scale.c" <<'END'
#include <tessera/multiversion.h>
#include <stddef.h>
void scale_all(size_t n, float a, float *x);
float sum_all(size_t n, const float *x);

TSR_MULTIVERSION(scale, (size_t n, float a, float *restrict x), (n, a, x))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        x[i] *= a;
}

TSR_MULTIVERSION_OF(float, sum, (size_t n, const float *x), (n, x))
{
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (size_t i = 0; i < n; i++)
        total += x[i];
    return total;
}

void scale_all(size_t n, float a, float *x)
{
    scale(n, a, x);
}

float sum_all(size_t n, const float *x)
{
    return sum(n, x);
}
END

tried=0 failed=0
for processor in x86-64 westmere haswell znver3 alderlake x86-64-v3 knl x86-64-v4 native; do
    echo 'int nothing;' >"$folder/empty.c"
    # shellcheck disable=SC2086 # CC may hold flags
    $CC -march=$processor -Werror -c "$folder/empty.c" -o "$folder/empty.o" 2>/dev/null || continue
    for optimisation in -O0 -O2; do
        # shellcheck disable=SC2086
        $CC $optimisation -march=$processor -std=gnu17 -fopenmp -Wall -Wextra -Wpedantic -Werror "-I$include" \
            -c "$folder/scale.c" -o "$folder/scale.o" || { echo "^ with $optimisation -march=$processor"; failed=1; }
        tried=$((tried + 1))
    done
done
echo "compiled in $tried ways"
[ $tried -gt 0 ] || exit 77
exit $failed
