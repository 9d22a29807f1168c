/* Reading the records of an experiment's runs. Nearly all have their config as it is written here: this is
   seen by its text, which is made once for the replicates of a point, and the id need not be found again. */
#include "session/parts.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/json.h"
#include "experiment/record.h"

#include <stdlib.h>
#include <string.h>

#define BEGINS "{\n \"config\": "
#define SEED "{\n  \"seed\": "
#define ENDS "\n}"

/* What stands behind the seed in a record with this config; NULL where that cannot be told. */
static char *rest_of(const tsr_value *config)
{
    json_t *record = json_pack("{s:o}", "config", tsr_value_to_json(config));
    char *text = record ? tsr_json_dump(record, TSR_RECORD_LAYOUT) : NULL, *rest = NULL;
    size_t length = text ? strlen(text) : 0;
    if (length > strlen(ENDS) && strncmp(text, BEGINS SEED, strlen(BEGINS SEED)) == 0) {
        text[length - strlen(ENDS)] = '\0';
        rest = strchr(text, ',');
        rest = rest ? strdup(rest) : NULL;
    }
    free(text);
    json_decref(record);
    return rest;
}

tsr_status *tsr_session_read_record(tsr_session *s, const tsr_run *run, json_t **out)
{
    if (s->options.whole)
        return tsr_store_get(&s->store, run, out);
    if (s->config_of != run->config) {
        free(s->config_rest);
        s->config_rest = rest_of(run->config);
        s->config_of = run->config;
    }
    char *config = s->config_rest ? tsr_format(SEED "%lld%s", (long long)run->seed, s->config_rest) : NULL;
    s->skim.config = config;
    tsr_status *status = tsr_store_skim(&s->store, run, &s->skim, out);
    s->skim.config = NULL;
    free(config);
    if (*out) { /* they have been looked at */
        json_object_del(*out, "config");
        json_object_del(*out, "snapshots");
    }
    return status;
}

void tsr_session_settle(tsr_session *s, size_t i)
{
    if (s->options.whole || !s->records[i] || !tsr_record_is_done(s->records[i]))
        return;
    if (!s->done)
        s->done = json_pack("{s:s}", "status", "done");
    if (!s->done)
        return;
    json_decref(s->records[i]);
    s->records[i] = json_incref(s->done);
}
