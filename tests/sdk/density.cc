// How densely codes lie, a probe in C++. Built by sdk_test as its author would build it.
#include <tessera/tessera.h>

#include <cmath>
#include <vector>

namespace
{

struct density {
    int least;
    double scale;
    bool squared;
    const char *title;
    int mode;
    tsr_int_list list;
};

const char *const modes[] = { "mean", "largest", nullptr };
const int64_t defaults[] = { 1, 2 };

const tsr_key keys[] = {
    TSR_KEY_INT(density, least, 0, 0, 9, "bits that count", .unit = "bits"),
    TSR_KEY_REAL(density, scale, 1.0, 0.0, INFINITY, "multiplies the result", .required = true,
                 .unit = "times"),
    TSR_KEY_BOOL(density, squared, false, "square it"),
    TSR_KEY_STRING(density, title, "untitled", "what it is called"),
    TSR_KEY_ENUM(density, mode, "largest", modes, "how rows are put together"),
    TSR_KEY_INT_LIST(density, list, defaults, 2, 0, 9, "some numbers", .list_max_length = 4),
    TSR_KEY_END,
};

tsr_status *run(const void *self, const tsr_probing *probing)
{
    const density *d = static_cast<const density *>(self);
    std::vector<double> rows(probing->train->n, d->scale);
    double sum = 0;
    for (double row : rows)
        sum += row;
    return tsr_metric(probing, "scaled",
                      sum / static_cast<double>(rows.size()) + static_cast<double>(d->list.n));
}

const tsr_probe_ops ops = { nullptr, run, nullptr, 0, false, nullptr, 0 };

const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "density",     .version = "1.0.0", .summary = "how densely codes lie",
    .licence = "MIT",       TSR_INSTANCE(density), .keys = keys,       .init = nullptr,
    .fini = nullptr,
};

} // namespace

TSR_PLUGINS(&plugin)
