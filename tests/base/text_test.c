/* Reals as text: short, without an exponent where people would write none, and the same number when read
 * back. */
#include "support.h"

#include "base/text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(reals_are_written_as_people_write_them)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0, "0.0" },
        { 1, "1.0" },
        { 100, "100.0" },
        { 93, "93.0" },
        { 180, "180.0" },
        { -250000, "-250000.0" },
        { 1e6, "1000000.0" },
        { 1e15, "1000000000000000.0" },
        { 1e16, "1e+16" },
        { 0.5, "0.5" },
        { 0.1, "0.1" },
        { 1e-4, "0.0001" },
        { 1e-5, "1e-05" },
        { 1e-6, "1e-06" },
        { 0.30000000000000004, "0.30000000000000004" },
        { 123.25, "123.25" },
        { 1e300, "1e+300" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[32];
        tsr_format_real(cases[i].value, text, sizeof(text));
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(reals_read_back_as_the_same_number)
{
    double value = DBL_MIN;
    for (int i = 0; i < 2000; i++, value *= -2.017) {
        char text[32];
        tsr_format_real(value, text, sizeof(text));
        ck_assert_msg(strtod(text, NULL) == value, "%s is not %.17g", text, value);
        ck_assert_msg(strpbrk(text, ".e") != NULL || !isfinite(value), "%s reads as an integer", text);
    }
}
END_TEST

/* With as few digits as it takes, which is found here by trying all. */
START_TEST(no_shorter_text_reads_back)
{
    uint64_t bits = 1;
    for (int i = 0; i < 20000; i++) {
        double value;
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        uint64_t used = i % 4 == 0 ? bits >> 12 : bits; /* every fourth is subnormal */
        memcpy(&value, &used, sizeof(value));
        value = i % 4 == 1 ? (double)(bits >> 50) / 1000 : value;
        char text[32], plain[32];
        int digits = 1, n = 0;
        while (isfinite(value) && snprintf(plain, sizeof(plain), "%.*e", digits - 1, value) &&
               strtod(plain, NULL) != value)
            digits++;
        tsr_format_real(value, text, sizeof(text));
        char *first = text + strspn(text, "-0."), *e = strchr(text, 'e');
        if (!isfinite(value) || value == 0)
            continue;
        size_t last = e ? (size_t)(e - text) : strlen(text);
        while (text[last - 1] == '0' || text[last - 1] == '.')
            last--;
        for (char *c = first; c < text + last; c++)
            n += *c != '.';
        ck_assert_msg(n <= digits, "%s has %d digits, %d are enough", text, n, digits);
    }
}
END_TEST

START_TEST(what_steers_a_terminal_is_written_out)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        { "plain, caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82",
          "plain, caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82" },
        { "", "" },
        { "\x1b[31mred\n\t\x7f", "\\x1b[31mred\\x0a\\x09\\x7f" },
        { "\xff\xc3(\xe2\x82", "\\xff\\xc3(\\xe2\\x82" },
        { "a\xe2\x80\xaez\xe2\x81\xa6", "a\\u202ez\\u2066" },
        { "\xc2\x9b"
          "1m",
          "\\u009b1m" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *shown = tsr_shown(strdup(cases[i].text));
        ck_assert_str_eq(shown, cases[i].shown);
        free(shown);
        tsr_status *status = tsr_context(tsr_fail(TSR_REFUSED, "'%s'", cases[i].text), "%s", cases[i].text);
        char *expected = tsr_format("%s: '%s'", cases[i].shown, cases[i].shown);
        ck_assert_str_eq(tsr_status_message(status), expected);
        free(expected);
        tsr_status_free(status);
    }
    ck_assert_ptr_null(tsr_shown(NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *tests = tcase_create("text");
    tcase_add_test(tests, reals_are_written_as_people_write_them);
    tcase_add_test(tests, reals_read_back_as_the_same_number);
    tcase_add_test(tests, no_shorter_text_reads_back);
    tcase_add_test(tests, what_steers_a_terminal_is_written_out);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
