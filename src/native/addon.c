// The relay for JavaScript: seven functions, for relay.ts alone, which has their types, and calls none for an engine that
// it stopped. Engines, bytestreams and buckets are externals; instead of one that cannot be made comes an errno.
#define _GNU_SOURCE
#define NAPI_VERSION 8 // Of Node 20 and whatever is newer.
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <stdlib.h>
#include <unistd.h>

#define ARGUMENTS 8

typedef struct {
  relay_engine *relay;
  napi_threadsafe_function endings; // Brings the ends of bytestreams to JavaScript; owns this.
  size_t running;                   // Those whose end it has not brought: while there are some, the process lives.
} addon_engine;

// Each as a number, or as what an external or octets are at; `undefined` is nothing.
typedef struct {
  napi_value value[ARGUMENTS];
  double number[ARGUMENTS];
  void *pointer[ARGUMENTS];
  size_t length[ARGUMENTS];
} arguments;

static arguments arguments_in(napi_env env, napi_callback_info info) {
  arguments given = {.pointer = {NULL}};
  napi_get_cb_info(env, info, &(size_t){ARGUMENTS}, given.value, NULL, NULL);
  for (int index = 0; index < ARGUMENTS; index++) {
    if (napi_get_value_double(env, given.value[index], &given.number[index]) == napi_ok) continue;
    if (napi_get_value_external(env, given.value[index], &given.pointer[index]) == napi_ok) continue;
    napi_get_buffer_info(env, given.value[index], &given.pointer[index], &given.length[index]);
  }
  return given;
}

static napi_value number(napi_env env, double value) {
  napi_value result = NULL;
  napi_create_double(env, value, &result);
  return result;
}

// What is done when something is not used anymore, or its environment ends.
static void free_engine(napi_env env, void *engine, void *hint) { (void)env, (void)hint, free(engine); }
static void release_flow(napi_env env, void *flow, void *hint) { (void)env, (void)hint, relay_release(flow); }
static void release_bucket(napi_env env, void *bucket, void *hint) { (void)env, (void)hint, relay_bucket_release(bucket); }
static void stop_relay(void *engine) { relay_stop(((addon_engine *)engine)->relay); }

// In a thread of the relay. Which bytestream and how it ended fit into one pointer: nothing leaks if nobody takes it.
static void on_done(void *context, void *tag, relay_ending ending) {
  addon_engine *self = context;
  napi_call_threadsafe_function(self->endings, (void *)((uintptr_t)tag * 4 + ending), napi_tsfn_nonblocking);
}

static void bring_ending(napi_env env, napi_value on_ending, void *engine, void *data) {
  addon_engine *self = engine;
  if (!env) return; // The environment ends, and hears nothing anymore.
  if (--self->running == 0) napi_unref_threadsafe_function(env, self->endings);
  napi_value error, told[] = {number(env, (double)((uintptr_t)data / 4)), number(env, (double)((uintptr_t)data % 4))};
  if (napi_call_function(env, told[0], on_ending, 2, told, NULL) != napi_pending_exception) return;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

static napi_value start(napi_env env, napi_callback_info info) {
  const arguments given = arguments_in(env, info);
  const relay_settings settings = {.threads = (unsigned)given.number[0], .pipes_max = (unsigned)given.number[1]};
  napi_value name = NULL;
  napi_create_string_utf8(env, "streamhost relay", NAPI_AUTO_LENGTH, &name);
  addon_engine *self = calloc(1, sizeof *self);
  if (!self || napi_create_threadsafe_function(env, given.value[2], NULL, name, 0, 1, self, free_engine, self, bring_ending,
                                               &self->endings) != napi_ok) {
    free(self);
    return number(env, ENOMEM);
  }
  napi_unref_threadsafe_function(env, self->endings);
  self->relay = relay_start(&settings, on_done, self);
  napi_value result = number(env, errno);
  if (self->relay) {
    // Hooks run in reverse order, and `endings` has set one: the threads are gone before it is.
    napi_add_env_cleanup_hook(env, stop_relay, self);
    napi_create_external(env, self, NULL, NULL, &result);
  } else {
    napi_release_threadsafe_function(self->endings, napi_tsfn_abort);
  }
  return result;
}

static napi_value stop(napi_env env, napi_callback_info info) {
  const arguments given = arguments_in(env, info);
  addon_engine *self = given.pointer[0];
  napi_remove_env_cleanup_hook(env, stop_relay, self);
  stop_relay(self);
  napi_release_threadsafe_function(self->endings, napi_tsfn_release); // It first brings what it has.
  return NULL;
}

static napi_value add(napi_env env, napi_callback_info info) {
  const arguments given = arguments_in(env, info);
  addon_engine *self = given.pointer[0];
  const relay_options options = {.early = {{given.pointer[3], given.length[3]}, {given.pointer[4], given.length[4]}},
                                 .bucket = given.pointer[5],
                                 .buffer_bytes = (int)given.number[6],
                                 .tag = (void *)(uintptr_t)given.number[7]};
  int first = fcntl((int)given.number[1], F_DUPFD_CLOEXEC, 3);
  int second = first < 0 ? -1 : fcntl((int)given.number[2], F_DUPFD_CLOEXEC, 3);
  relay_flow *flow = second < 0 ? NULL : relay_add(self->relay, first, second, &options);
  napi_value result = number(env, errno);
  if (first >= 0 && second < 0) close(first);
  if (!flow) return result;
  if (self->running++ == 0) napi_ref_threadsafe_function(env, self->endings);
  if (napi_create_external(env, flow, release_flow, NULL, &result) != napi_ok) relay_release(flow); // It runs all the same.
  return result;
}

static napi_value moved(napi_env env, napi_callback_info info) {
  const arguments given = arguments_in(env, info);
  return number(env, (double)relay_moved(given.pointer[0], (int)given.number[1]));
}

static napi_value break_off(napi_env env, napi_callback_info info) {
  relay_abort(arguments_in(env, info).pointer[0]);
  return NULL;
}

static napi_value bucket(napi_env env, napi_callback_info info) {
  const arguments given = arguments_in(env, info);
  relay_bucket *made = relay_bucket_new(((addon_engine *)given.pointer[0])->relay, (uint64_t)given.number[1], given.pointer[2]);
  napi_value result = number(env, errno);
  if (made && napi_create_external(env, made, release_bucket, NULL, &result) != napi_ok) relay_bucket_release(made);
  return result;
}

static napi_value change(napi_env env, napi_callback_info info) {
  const arguments given = arguments_in(env, info);
  relay_bucket_change(given.pointer[0], (uint64_t)given.number[1]);
  return NULL;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor all[] = {
      {.utf8name = "start", .method = start}, {.utf8name = "stop", .method = stop},       {.utf8name = "add", .method = add},
      {.utf8name = "moved", .method = moved}, {.utf8name = "abort", .method = break_off}, {.utf8name = "bucket", .method = bucket},
      {.utf8name = "change", .method = change},
  };
  return napi_define_properties(env, exports, sizeof all / sizeof *all, all) == napi_ok ? exports : NULL;
}
