# The headers of a later host: its minor is one higher, and every structure that a plugin fills has a field more.
/^} tsr_(plugin|plugin_file|key|metric_info|[a-z]+_ops);/ { print "    const void *test_extra;" }
/^#define TSR_ABI_MINOR / { $3 = $3 + 1 }
{ print }
