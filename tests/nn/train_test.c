/* The training loop: it learns, stops, schedules, applies penalties where they belong, and says where it
 * diverged. */
#include "toy.h"

#include "base/machine.h"

#include <stdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POINT (TSR_SHAPE(2))

/* What experiments take where they name no optimizer, whatever it is. */
static tsr_instance *learner(const char *settings)
{
    char text[200];
    snprintf(text, sizeof(text), "plugin = \"%s\"; %s", TSR_DEFAULT_OPTIMIZER, settings);
    return test_instance(TSR_OPTIMIZER, text);
}

START_TEST(xor_is_learned)
{
    toy problem = { .repeats = 10 };
    test_net net = net_new(toy_build, NULL, POINT, 2, 1);
    tsr_instance *optimizer = learner("learning_rate = 0.01;");
    tsr_training training = { .epochs = 100, .batch = 4, .optimizer = optimizer, .seed = 1 };
    tsr_batches batches = toy_batches(&problem);
    tsr_trained trained;
    ck_succeeds(tsr_train(net.network, &training, &batches, &trained));
    ck_assert_uint_eq(trained.epochs, 100);
    ck_assert(!trained.early_stopped);
    ck_assert_double_lt(trained.loss, 0.01);
    ck_assert(trained.accuracy == 1);
    ck_assert_uint_eq(problem.steps, 1000);
    ck_assert_uint_eq(problem.epochs_begun, 100);
    ck_assert(!problem.out_of_order);
    tsr_instance_free(optimizer);
    net_free(&net);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_bits)
{
    tsr_instance *optimizer = learner("");
    float *values[2];
    size_t bytes = 0;
    for (int i = 0; i < 2; i++) {
        toy problem = { .repeats = 10 };
        test_net net = net_new(toy_build, NULL, POINT, 2, 1);
        tsr_training training = { .epochs = 5, .batch = 4, .optimizer = optimizer, .seed = 1 };
        tsr_batches batches = toy_batches(&problem);
        tsr_trained trained;
        ck_succeeds(tsr_train(net.network, &training, &batches, &trained));
        bytes = tsr_network_flat(net.network).count * sizeof(float);
        values[i] = malloc(bytes);
        memcpy(values[i], tsr_network_flat(net.network).values, bytes);
        net_free(&net);
    }
    ck_assert(memcmp(values[0], values[1], bytes) == 0);
    free(values[0]);
    free(values[1]);
    tsr_instance_free(optimizer);
}
END_TEST

/* --- going on --- */

typedef struct kept {
    tsr_training_state state;
    float *slots[16];
    size_t bytes;
    float *values;
} kept;

static tsr_status *keep_copy(void *context, const tsr_training_state *state)
{
    kept *k = context;
    k->state = *state;
    for (size_t i = 0; i < state->n_slots; i++)
        memcpy(k->slots[i] = malloc(k->bytes), state->slots[i], k->bytes);
    return NULL;
}

/* Trains to the end of epoch `epochs`, from where `from` stopped. */
static kept train_to(const tsr_instance *optimizer, size_t epochs, const kept *from, tsr_trained *trained)
{
    toy problem = { .repeats = 10 };
    test_net net = net_new(toy_build, NULL, POINT, 2, 1);
    tsr_flat flat = tsr_network_flat(net.network);
    kept k = { .bytes = flat.count * sizeof(float) };
    tsr_training_state state = from ? from->state : (tsr_training_state){ 0 };
    state.slots = from ? from->slots : NULL;
    tsr_training training = { .epochs = epochs,
                              .batch = 4,
                              .early_stop = 3,
                              .optimizer = optimizer,
                              .seed = 1,
                              .from = from ? &state : NULL,
                              .keep = keep_copy,
                              .context = &k };
    tsr_batches batches = toy_batches(&problem);
    if (from)
        memcpy(flat.values, from->values, k.bytes);
    ck_succeeds(tsr_train(net.network, &training, &batches, trained));
    ck_assert_uint_eq(problem.epochs_begun, trained->epochs - (from ? from->state.epochs : 0));
    memcpy(k.values = malloc(k.bytes), flat.values, k.bytes);
    net_free(&net);
    return k;
}

static void kept_clear(kept *k)
{
    for (size_t i = 0; i < k->state.n_slots; i++)
        free(k->slots[i]);
    free(k->values);
}

START_TEST(a_training_that_goes_on_gives_the_bits_of_one_that_did_not_stop)
{
    tsr_instance *optimizer = learner("learning_rate = 0.01;");
    tsr_trained first, second, whole;
    kept begin = train_to(optimizer, 4, NULL, &first), end = train_to(optimizer, 9, &begin, &second),
         at_once = train_to(optimizer, 9, NULL, &whole);
    ck_assert_uint_eq(first.epochs, 4);
    ck_assert_uint_eq(second.epochs, whole.epochs);
    ck_assert(second.loss == whole.loss && second.accuracy == whole.accuracy);
    ck_assert(begin.state.n_slots > 0 && end.state.n_slots == at_once.state.n_slots);
    ck_assert(end.state.best == at_once.state.best && end.state.since_best == at_once.state.since_best);
    ck_assert_mem_eq(end.values, at_once.values, end.bytes);
    for (size_t i = 0; i < end.state.n_slots; i++)
        ck_assert_mem_eq(end.slots[i], at_once.slots[i], end.bytes);
    kept_clear(&begin);
    kept_clear(&end);
    kept_clear(&at_once);
    tsr_instance_free(optimizer);
}
END_TEST

/* --- piece by piece --- */

/* Tens of thousands of parameters. */
static tsr_node *wide(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_activate(g, tsr_dense(g, x, 13000)), classes);
}

typedef struct one_step {
    double loss;
    size_t bytes;
    float *values;
} one_step;

static one_step train_one_step(const tsr_instance *optimizer, tsr_instance *const *penalty, int threads)
{
    toy problem = { .repeats = 1 };
    test_net net = net_new(wide, NULL, POINT, 2, 1);
    tsr_training training = { .epochs = 1,
                              .batch = 4,
                              .optimizer = optimizer,
                              .n_regularizers = 1,
                              .regularizers = penalty,
                              .seed = 1 };
    tsr_batches batches = toy_batches(&problem);
    tsr_trained trained;
    tsr_set_threads(threads);
    ck_succeeds(tsr_train(net.network, &training, &batches, &trained));
    tsr_set_threads(1);
    one_step out = { .loss = trained.loss, .bytes = tsr_network_flat(net.network).count * sizeof(float) };
    out.values = malloc(out.bytes);
    memcpy(out.values, tsr_network_flat(net.network).values, out.bytes);
    net_free(&net);
    return out;
}

START_TEST(pieces_and_threads_change_no_bit_of_an_update)
{
    static const char *const penalties[] = { "plugin = \"l2\"; weight = 0.01;",
                                             "plugin = \"l1\"; on = \"all\";" };
    for (size_t i = 0; i < 2; i++) {
        tsr_instance *optimizer = learner(""), *penalty = test_instance(TSR_REGULARIZER, penalties[i]);
        tsr_optimizer_ops *ops = (tsr_optimizer_ops *)(uintptr_t)tsr_instance_ops(optimizer);
        ck_assert(ops->elementwise);
        one_step pieces = train_one_step(optimizer, &penalty, 1),
                 many = train_one_step(optimizer, &penalty, 3);
        ops->elementwise = false;
        one_step whole = train_one_step(optimizer, &penalty, 3);
        ops->elementwise = true;
        ck_assert_mem_eq(pieces.values, many.values, pieces.bytes);
        ck_assert_mem_eq(pieces.values, whole.values, pieces.bytes);
        ck_assert(pieces.loss == many.loss);
        ck_assert_double_eq_tol(pieces.loss, whole.loss, 1e-9 * whole.loss);
        free(pieces.values);
        free(many.values);
        free(whole.values);
        tsr_instance_free(optimizer);
        tsr_instance_free(penalty);
    }
}
END_TEST

/* --- with hooks for optimizer and regularizer --- */

typedef struct heard {
    size_t epochs;
    double losses[20], accuracies[20];
    size_t fail_at; /* the call that fails, from 1 */
    tsr_network *replan;
    hook_regularizer *penalty; /* takes script[epoch] for the next one, where there is one */
    const double *script;
} heard;

static tsr_status *hear(void *context, const tsr_training_state *now)
{
    heard *all = context;
    ck_assert_uint_eq(now->epochs, all->epochs);
    all->losses[now->epochs] = now->loss;
    all->accuracies[now->epochs] = now->accuracy;
    all->epochs++;
    if (all->penalty)
        all->penalty->value = all->script[now->epochs];
    if (all->replan)
        ck_succeeds(tsr_network_plan(all->replan, 17, false));
    return all->fail_at == all->epochs ? tsr_fail(TSR_INTERRUPTED, "enough") : NULL;
}

typedef struct bench {
    toy problem;
    test_net net;
    tsr_instance *optimizer, *regularizer;
    heard heard;
    tsr_training training;
    tsr_batches batches;
} bench;

static void bench_start(bench *b, size_t epochs)
{
    *b = (bench){ .problem = { .repeats = 3 },
                  .net = net_new(toy_build, NULL, POINT, 2, 1),
                  .optimizer = hook(TSR_OPTIMIZER, ""),
                  .regularizer = hook(TSR_REGULARIZER, "") };
    b->training = (tsr_training){ .epochs = epochs,
                                  .batch = 4,
                                  .optimizer = b->optimizer,
                                  .seed = 1,
                                  .epoch_done = hear,
                                  .context = &b->heard };
    b->batches = toy_batches(&b->problem);
}

static void bench_end(bench *b)
{
    tsr_instance_free(b->optimizer);
    tsr_instance_free(b->regularizer);
    net_free(&b->net);
}

static hook_optimizer *optimizer_of(bench *b)
{
    return tsr_instance_self(b->optimizer);
}

START_TEST(every_epoch_is_heard_of_and_the_untrained_network_first)
{
    bench b;
    bench_start(&b, 3);
    b.heard.replan = b.net.network; /* whatever is planned in between */
    tsr_trained trained;
    ck_succeeds(tsr_train(b.net.network, &b.training, &b.batches, &trained));
    ck_assert_uint_eq(b.heard.epochs, 4);
    ck_assert(isnan(b.heard.losses[0]) && isnan(b.heard.accuracies[0]));
    ck_assert(b.heard.losses[3] == trained.loss && b.heard.accuracies[3] == trained.accuracy);
    /* Nothing moved, and with every point in each batch the epochs differ in the last bits only. */
    ck_assert_double_eq_tol(b.heard.losses[1], b.heard.losses[3], 1e-6);
    ck_assert_uint_eq(optimizer_of(&b)->last_step, 9);
    bench_end(&b);
}
END_TEST

/* What an optimizer is shown, against the network. */
typedef struct shown {
    const tsr_network *network;
    size_t updates, faults;
} shown;

static void see_tensors(void *context, const tsr_update *u)
{
    shown *s = context;
    size_t count = tsr_network_n_tensors(s->network), end = 0;
    s->updates++;
    s->faults += u->n_tensors != count;
    for (size_t t = 0; t < u->n_tensors && t < count; t++) {
        const tsr_update_tensor *seen = &u->tensors[t];
        const tsr_network_parameter *real = tsr_network_tensor(s->network, t);
        size_t product = 1;
        for (size_t d = 0; d < seen->n_dims; d++)
            product *= seen->dims[d];
        s->faults += strcmp(seen->name, real->parameter.name) != 0 || seen->role != real->parameter.role;
        s->faults += product != seen->n || u->values + seen->first != real->values ||
                     u->gradients + seen->first != real->gradient;
        for (; end < seen->first; end++) /* padding */
            s->faults += u->values[end] != 0 || u->gradients[end] != 0;
        end = seen->first + seen->n;
    }
    for (; end < u->n; end++)
        s->faults += u->values[end] != 0 || u->gradients[end] != 0;
}

START_TEST(an_optimizer_is_shown_every_tensor_with_its_name_role_and_place)
{
    bench b;
    bench_start(&b, 2);
    shown s = { .network = b.net.network };
    optimizer_of(&b)->see = see_tensors;
    optimizer_of(&b)->context = &s;
    optimizer_of(&b)->value = 0.5F;
    tsr_trained trained;
    ck_succeeds(tsr_train(b.net.network, &b.training, &b.batches, &trained));
    ck_assert_uint_gt(s.updates, 0);
    ck_assert_uint_eq(s.faults, 0);
    bench_end(&b);
}
END_TEST

static void see_one(void *context, const tsr_update *u)
{
    shown *s = context;
    const tsr_update_tensor *seen = u->tensors;
    s->updates++;
    s->faults += u->n_tensors != 1 || seen->first != 0 || seen->n != u->n;
    for (size_t t = 0; t < tsr_network_n_tensors(s->network); t++) {
        const tsr_network_parameter *real = tsr_network_tensor(s->network, t);
        if (u->values >= real->values && u->values < real->values + real->parameter.n)
            s->faults += strcmp(seen->name, real->parameter.name) != 0 ||
                         seen->role != real->parameter.role || seen->dims[0] != real->parameter.dims[0];
    }
}

START_TEST(an_elementwise_optimizer_is_shown_the_tensor_of_each_part)
{
    bench b;
    bench_start(&b, 1);
    shown s = { .network = b.net.network };
    optimizer_of(&b)->see = see_one;
    optimizer_of(&b)->context = &s;
    tsr_optimizer_ops *ops = (tsr_optimizer_ops *)(uintptr_t)tsr_instance_ops(b.optimizer);
    ops->elementwise = true;
    tsr_trained trained;
    tsr_status *status = tsr_train(b.net.network, &b.training, &b.batches, &trained);
    ops->elementwise = false;
    ck_succeeds(status);
    ck_assert_uint_eq(s.updates, b.batches.steps * tsr_network_n_tensors(b.net.network));
    ck_assert_uint_eq(s.faults, 0);
    bench_end(&b);
}
END_TEST

START_TEST(no_epochs_train_nothing)
{
    bench b;
    bench_start(&b, 0);
    tsr_trained trained;
    ck_succeeds(tsr_train(b.net.network, &b.training, &b.batches, &trained));
    ck_assert_uint_eq(trained.epochs, 0);
    ck_assert(isnan(trained.loss));
    ck_assert_uint_eq(b.heard.epochs, 1);
    ck_assert_uint_eq(b.problem.steps, 0);
    bench_end(&b);
}
END_TEST

START_TEST(a_listener_that_fails_ends_the_training)
{
    bench b;
    bench_start(&b, 5);
    b.heard.fail_at = 3;
    tsr_trained trained;
    ck_fails(tsr_train(b.net.network, &b.training, &b.batches, &trained), TSR_INTERRUPTED, "enough");
    ck_assert_uint_eq(trained.epochs, 2);
    bench_end(&b);
}
END_TEST

/* The losses of the epochs are those of a script, above one that stays, since nothing moves. */
static void stops_after(size_t early_stop, size_t expected, bool stopped)
{
    static const double script[] = { 5, 4, 4.5, 3.9, 3.95, 3.9, 3.92, 3, 3.1, 3.2, 0 };
    bench b;
    bench_start(&b, 10);
    b.training.n_regularizers = 1;
    b.training.regularizers = &b.regularizer;
    b.heard.penalty = tsr_instance_self(b.regularizer);
    b.heard.script = script;
    b.training.early_stop = early_stop;
    tsr_trained trained;
    ck_succeeds(tsr_train(b.net.network, &b.training, &b.batches, &trained));
    ck_assert_uint_eq(trained.epochs, expected);
    ck_assert(trained.early_stopped == stopped);
    bench_end(&b);
}

START_TEST(training_stops_after_so_many_epochs_without_improvement)
{
    stops_after(1, 3, true);
    stops_after(2, 6, true);
    stops_after(3, 7, true);
    stops_after(4, 10, false);
    stops_after(0, 10, false);
}
END_TEST

static bool after_25_steps(void *context, size_t examples)
{
    size_t *met = context;
    *met += examples;
    return *met >= 25 * 4;
}

START_TEST(training_ends_after_the_step_that_is_enough)
{
    toy problem = { .repeats = 10 };
    test_net net = net_new(toy_build, NULL, POINT, 2, 1);
    tsr_instance *optimizer = learner("");
    size_t met = 0;
    tsr_training training = { .epochs = 100,
                              .batch = 4,
                              .optimizer = optimizer,
                              .seed = 1,
                              .enough = after_25_steps,
                              .context = &met };
    tsr_batches batches = toy_batches(&problem);
    tsr_trained trained;
    ck_succeeds(tsr_train(net.network, &training, &batches, &trained));
    ck_assert_uint_eq(met, 100);
    ck_assert_uint_eq(problem.steps, 25);
    ck_assert_uint_eq(trained.epochs, 2); /* of ten steps each */
    ck_assert(!trained.early_stopped);
    tsr_instance_free(optimizer);
    net_free(&net);
}
END_TEST

START_TEST(the_optimizer_is_told_the_schedules_factor)
{
    bench b;
    bench_start(&b, 5);
    tsr_instance *schedule = test_instance(TSR_SCHEDULE, "kind = \"step\"; every = 2; factor = 0.5;");
    b.training.schedule = schedule;
    tsr_trained trained;
    ck_succeeds(tsr_train(b.net.network, &b.training, &b.batches, &trained));
    ck_assert(optimizer_of(&b)->last_factor == 0.25);
    tsr_instance_free(schedule);
    bench_end(&b);
}
END_TEST

START_TEST(a_schedule_is_told_the_step)
{
    bench b;
    bench_start(&b, 1); /* of three steps */
    tsr_instance *schedule = test_instance(TSR_SCHEDULE, "kind = \"warm_up\"; epochs = 2;");
    b.training.schedule = schedule;
    tsr_trained trained;
    ck_succeeds(tsr_train(b.net.network, &b.training, &b.batches, &trained));
    ck_assert_double_eq_tol(optimizer_of(&b)->last_factor, 0.5, 1e-12);
    tsr_instance_free(schedule);
    bench_end(&b);
}
END_TEST

START_TEST(a_factor_that_is_none_fails_the_training)
{
    static const double factors[] = { NAN, INFINITY, -0.5 };
    for (size_t i = 0; i < 3; i++) {
        bench b;
        bench_start(&b, 3);
        tsr_instance *schedule = hook(TSR_SCHEDULE, "");
        ((hook_schedule *)tsr_instance_self(schedule))->factor = factors[i];
        b.training.schedule = schedule;
        tsr_trained trained;
        ck_fails(tsr_train(b.net.network, &b.training, &b.batches, &trained), TSR_FAILED,
                 "in epoch 1 at step 1 of 3, expected a finite one of 0 or more");
        tsr_instance_free(schedule);
        bench_end(&b);
    }
}
END_TEST

/* A hidden layer whose squares are penalised, twice, and an output that joins the loss. */
static tsr_node *build_with_terms(void *context, tsr_graph *graph, tsr_node *input, int classes)
{
    (void)context;
    tsr_node *x = tsr_activate(graph, tsr_dense(graph, input, 3));
    tsr_node *y = tsr_dense(graph, x, classes);
    tsr_node *squares = tsr_mean(graph, tsr_multiply(graph, x, x), 1, (size_t[]){ 0 });
    tsr_add_loss_term(graph, squares, 0.5);
    tsr_add_loss_term(graph, tsr_mean(graph, y, 1, (size_t[]){ 0 }), -0.25);
    return y;
}

/* Squares of the hook activation's values, 0.5 x + x^2 / 4. */
static void sum_squares(void *context, const tsr_layer_values *layer)
{
    for (size_t i = 0; i < layer->n * layer->width; i++) {
        double x = (double)layer->x[i], y = 0.5 * x + 0.25 * x * x;
        *(double *)context += y * y;
    }
}

START_TEST(the_graphs_terms_join_the_loss_that_is_shown)
{
    toy problem = { .repeats = 3 };
    test_net net = net_new(build_with_terms, NULL, POINT, 2, 1);
    tsr_instance *optimizer = hook(TSR_OPTIMIZER, ""); /* nothing moves */
    tsr_training training = { .epochs = 1, .batch = 4, .optimizer = optimizer, .seed = 1 };
    tsr_batches batches = toy_batches(&problem);
    tsr_trained trained;
    ck_succeeds(tsr_train(net.network, &training, &batches, &trained));
    int32_t labels[4];
    ck_succeeds(tsr_network_plan(net.network, 4, false));
    batches.next(&problem, 1, 0, tsr_network_input_values(net.network), labels, NULL);
    double squares = 0, outputs = 0;
    tsr_network_forward(net.network, 4, sum_squares, &squares);
    for (size_t i = 0; i < 8; i++)
        outputs += (double)tsr_network_logits(net.network)[i];
    double alone = tsr_network_loss(net.network, 4, labels, NULL) / 4; /* the terms are not in it */
    ck_assert_double_eq_tol(trained.loss, alone + 0.5 * squares / 12 - 0.25 * outputs / 8, 1e-6);
    tsr_instance_free(optimizer);
    net_free(&net);
}
END_TEST

START_TEST(penalties_join_loss_and_gradient_of_the_parameters_they_are_on)
{
    static const struct {
        const char *settings;
        const char *names; /* of the parameters, each between blanks */
        size_t n;
    } cases[] = {
        { "", " hidden.weight output.weight ", 2 },
        { "on = \"weights\";", " hidden.weight output.weight ", 2 },
        { "on = \"hidden_weights\";", " hidden.weight ", 1 },
        { "on = \"biases\";", " hidden.bias batch_norm0.bias output.bias ", 3 },
        { "on = \"all\";",
          " hidden.weight hidden.bias batch_norm0.weight batch_norm0.bias activation0.slope output.weight "
          "output.bias ",
          7 },
    };
    double plain = 0;
    for (size_t k = 0; k < sizeof(cases) / sizeof(*cases) + 1; k++) {
        bench b;
        bench_start(&b, 1);
        b.problem.repeats = b.batches.steps = 1;
        tsr_instance *regularizer = k ? hook(TSR_REGULARIZER, cases[k - 1].settings) : NULL;
        if (k)
            *(hook_regularizer *)tsr_instance_self(regularizer) = (hook_regularizer){ 10, 1000, 0 };
        b.training.n_regularizers = k ? 1 : 0;
        b.training.regularizers = &regularizer;
        tsr_trained trained;
        ck_succeeds(tsr_train(b.net.network, &b.training, &b.batches, &trained));
        if (!k)
            plain = trained.loss;
        for (size_t i = 0; k && i < tsr_network_n_tensors(b.net.network); i++) {
            const tsr_network_parameter *tensor = tsr_network_tensor(b.net.network, i);
            char name[64];
            snprintf(name, sizeof(name), " %s ", tensor->parameter.name);
            bool on = strstr(cases[k - 1].names, name) != NULL;
            for (size_t j = 0; j < tensor->parameter.n; j++)
                ck_assert_msg((tensor->gradient[j] > 900) == on, "%s with %s", name, cases[k - 1].settings);
        }
        if (k) {
            ck_assert_double_eq_tol(trained.loss, plain + 10 * (double)cases[k - 1].n, 1e-6);
            ck_assert_uint_eq(((hook_regularizer *)tsr_instance_self(regularizer))->calls, cases[k - 1].n);
        }
        tsr_instance_free(regularizer);
        bench_end(&b);
    }
}
END_TEST

/* --- divergence --- */

static void diverges(bench *b, const char *message)
{
    tsr_trained trained;
    tsr_status *status = tsr_train(b->net.network, &b->training, &b->batches, &trained);
    ck_assert_str_eq(tsr_status_message(status), message);
    ck_assert_int_eq(tsr_status_error(status), TSR_DIVERGED);
    tsr_status_free(status);
}

START_TEST(inputs_that_are_not_finite_diverge_with_epoch_and_step)
{
    bench b;
    bench_start(&b, 5);
    b.problem.poison = NAN;
    b.problem.poison_step = 5;
    diverges(
        &b,
        "training diverged in epoch 2 at step 2 of 3: the loss is nan; the gradient of hidden.weight is not "
        "finite; the first output that is not finite is that of input");
    bench_end(&b);
}
END_TEST

START_TEST(parameters_that_an_update_breaks_are_named)
{
    bench b;
    bench_start(&b, 5);
    optimizer_of(&b)->value = INFINITY;
    diverges(&b, "training diverged in epoch 1 at step 2 of 3: the loss is nan; hidden.weight is not finite; "
                 "the first output that is not finite is that of hidden");
    bench_end(&b);
    bench_start(&b, 5);
    b.problem.repeats = b.batches.steps = 1; /* no loss is met after the update, and the epoch's end tells */
    optimizer_of(&b)->value = NAN;
    tsr_trained trained;
    ck_fails(tsr_train(b.net.network, &b.training, &b.batches, &trained), TSR_DIVERGED,
             "hidden.weight is not finite");
    ck_assert_uint_eq(trained.epochs, 0);
    bench_end(&b);
}
END_TEST

START_TEST(a_penalty_that_is_not_finite_names_its_regularizer)
{
    bench b;
    bench_start(&b, 5);
    tsr_instance *regularizers[] = { b.regularizer };
    ((hook_regularizer *)tsr_instance_self(b.regularizer))->value = INFINITY;
    b.training.n_regularizers = 1;
    b.training.regularizers = regularizers;
    diverges(&b,
             "training diverged in epoch 1 at step 1 of 3: the penalty of regularizer hook_regularizer on "
             "hidden.weight is inf");
    bench_end(&b);
}
END_TEST

/* --- what is refused --- */

START_TEST(nonsense_is_refused_before_or_where_it_shows)
{
    bench b;
    bench_start(&b, 5);
    tsr_trained trained;
    optimizer_of(&b)->slots = 17;
    ck_fails(tsr_train(b.net.network, &b.training, &b.batches, &trained), TSR_REFUSED,
             "optimizer hook_optimizer wants 17 floats of state per parameter, expected at most 16");
    optimizer_of(&b)->slots = 16;
    b.problem.batch = 5;
    ck_fails(tsr_train(b.net.network, &b.training, &b.batches, &trained), TSR_FAILED,
             "a batch of 5 examples in epoch 1 at step 1, expected 1 to 4");
    b.batches.steps = 0;
    ck_fails(tsr_train(b.net.network, &b.training, &b.batches, &trained), TSR_REFUSED,
             "an epoch has no steps");
    b.batches.steps = 1;
    b.training.batch = 0;
    ck_fails(tsr_train(b.net.network, &b.training, &b.batches, &trained), TSR_REFUSED,
             "a batch of 0 samples");
    bench_end(&b);
}
END_TEST

START_TEST(the_epochs_loss_weighs_batches_by_their_examples)
{
    bench b;
    bench_start(&b, 1);
    tsr_trained trained;
    b.problem.batch = 2; /* half of what was filled */
    b.training.batch = 4;
    ck_succeeds(tsr_train(b.net.network, &b.training, &b.batches, &trained));
    ck_assert(trained.accuracy * 6 == floor(trained.accuracy * 6)); /* of 3 steps of 2 */
    bench_end(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training");
    TCase *tests = tcase_create("training");
    tcase_add_test(tests, xor_is_learned);
    tcase_add_test(tests, a_training_that_goes_on_gives_the_bits_of_one_that_did_not_stop);
    tcase_add_test(tests, the_same_seed_gives_the_same_bits);
    tcase_add_test(tests, pieces_and_threads_change_no_bit_of_an_update);
    tcase_add_test(tests, every_epoch_is_heard_of_and_the_untrained_network_first);
    tcase_add_test(tests, an_optimizer_is_shown_every_tensor_with_its_name_role_and_place);
    tcase_add_test(tests, an_elementwise_optimizer_is_shown_the_tensor_of_each_part);
    tcase_add_test(tests, no_epochs_train_nothing);
    tcase_add_test(tests, a_listener_that_fails_ends_the_training);
    tcase_add_test(tests, training_stops_after_so_many_epochs_without_improvement);
    tcase_add_test(tests, training_ends_after_the_step_that_is_enough);
    tcase_add_test(tests, the_optimizer_is_told_the_schedules_factor);
    tcase_add_test(tests, a_schedule_is_told_the_step);
    tcase_add_test(tests, a_factor_that_is_none_fails_the_training);
    tcase_add_test(tests, the_graphs_terms_join_the_loss_that_is_shown);
    tcase_add_test(tests, penalties_join_loss_and_gradient_of_the_parameters_they_are_on);
    tcase_add_test(tests, inputs_that_are_not_finite_diverge_with_epoch_and_step);
    tcase_add_test(tests, parameters_that_an_update_breaks_are_named);
    tcase_add_test(tests, a_penalty_that_is_not_finite_names_its_regularizer);
    tcase_add_test(tests, nonsense_is_refused_before_or_where_it_shows);
    tcase_add_test(tests, the_epochs_loss_weighs_batches_by_their_examples);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
