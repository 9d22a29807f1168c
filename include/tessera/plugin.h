/* What a shared object tells the host. It exports one symbol, `tessera_plugin`, written by

       static const tsr_plugin plugin = {
           TSR_PROBE_PLUGIN(&ops), .name = "density", .version = "1.0.0",
           .summary = "how densely codes lie", .licence = "MIT",
           TSR_INSTANCE(density), .keys = keys,
       };
       TSR_PLUGINS(&plugin)

   In C++ (17 on) all fields are named, in their order: .init = nullptr, .fini = nullptr.
   Everything here is static and constant; the host copies what it needs and never unloads the file. */
#ifndef TESSERA_PLUGIN_H
#define TESSERA_PLUGIN_H

#include <tessera/key.h>
#include <tessera/status.h>

TSR_BEGIN_DECLS

typedef struct tsr_plugin {
    tsr_kind kind;
    uint32_t ops_size;       /* sizeof the kind's operations where the plugin was built */
    uint32_t announced_size; /* of a probe: sizeof(tsr_metric_info) there; else 0 */
    const void *ops;         /* the kind's operations: tsr_probe_ops for a probe, and so on */
    const char *name;        /* what configs call it: lower case, digits and _ */
    const char *version;     /* "1.0.0" */
    const char *summary;     /* one line */
    const char *licence;     /* SPDX */
    size_t instance_size;    /* the host allocates this much, zeroed, for each use in a config */
    const tsr_key *keys;     /* ended by TSR_KEY_END; NULL: none */

    /* Called once per instance after its keys are set, and once when it is no longer needed; fini
       is not called where init failed. Both may be NULL. Two instances share nothing. The host may try both
       in a child process first, on a copy of the instance, to see that they do not end the process.
       [one-thread] */
    tsr_status *(*init)(void *self);
    void (*fini)(void *self);
} tsr_plugin;

#define TSR_PLUGIN_MAGIC UINT64_C(0x6172657373655401) /* "\1Tessera" on a little-endian machine */

typedef struct tsr_plugin_file {
    uint64_t magic;                   /* TSR_PLUGIN_MAGIC; checked before anything else is read */
    uint16_t abi_major, abi_minor;    /* that the file was built for */
    uint32_t file_size;               /* sizeof(tsr_plugin_file) there */
    uint32_t plugin_size, key_size;   /* sizeof(tsr_plugin), sizeof(tsr_key) there */
    const tsr_plugin *const *plugins; /* NULL-terminated */
} tsr_plugin_file;

/* The type of the instance, for a plugin that has one. */
#define TSR_INSTANCE(type) .instance_size = sizeof(type)

#ifdef __cplusplus
#define TSR_PLUGIN_SYMBOL extern "C" TSR_EXPORT const tsr_plugin_file tessera_plugin
#else
#define TSR_PLUGIN_SYMBOL                                                                                    \
    TSR_EXPORT extern const tsr_plugin_file tessera_plugin;                                                  \
    const tsr_plugin_file tessera_plugin
#endif

/* Tells the text of an error that is about to end the process, for the message that tells of the end. Where
   C++ has exceptions TSR_PLUGINS sees to it that one that nobody catches is told so. [any-thread] */
TSR_API void tsr_thrown(const char *text);

#if defined(__cplusplus) && defined(__cpp_exceptions)
#define TSR_TELL_EXCEPTIONS                                                                                  \
    [[maybe_unused]] static const std::terminate_handler tsr_terminate_before =                              \
        std::set_terminate(tsr_terminate);
#else
#define TSR_TELL_EXCEPTIONS
#endif

/* The file's one exported symbol; arguments: pointers to its plugins. */
#define TSR_PLUGINS(...)                                                                                     \
    TSR_TELL_EXCEPTIONS                                                                                      \
    static const tsr_plugin *const tsr_plugins_of_file[] = { __VA_ARGS__, NULL };                            \
    TSR_PLUGIN_SYMBOL = {                                                                                    \
        TSR_PLUGIN_MAGIC,                                                                                    \
        TSR_ABI_MAJOR,                                                                                       \
        TSR_ABI_MINOR,                                                                                       \
        (uint32_t)sizeof(tsr_plugin_file),                                                                   \
        (uint32_t)sizeof(tsr_plugin),                                                                        \
        (uint32_t)sizeof(tsr_key),                                                                           \
        tsr_plugins_of_file,                                                                                 \
    };

/* A configured plugin as others hold it: a model its activation, say. */

/* The plugin's name; lives as long as the instance. [any-thread] */
TSR_API const char *tsr_instance_name(const tsr_instance *instance);

/* The instance's own structure and its kind's operations, filled up with NULL to the host's size.
   [any-thread] */
TSR_API void *tsr_instance_self(const tsr_instance *instance);
TSR_API const void *tsr_instance_ops(const tsr_instance *instance);

TSR_END_DECLS

#if defined(__cplusplus) && defined(__cpp_exceptions)
#include <cstdlib>
#include <exception>
/* Called for an exception that nobody catches. [any-thread] */
[[noreturn]] inline void tsr_terminate()
{
    try {
        if (std::current_exception())
            throw;
    } catch (const std::exception &e) {
        tsr_thrown(e.what());
    } catch (const char *text) {
        tsr_thrown(text);
    } catch (...) {
        tsr_thrown("something that is no std::exception");
    }
    std::abort();
}
#endif
#endif
