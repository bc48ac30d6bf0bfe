// The relay for JavaScript: eight functions, for relay.ts alone, which has their types, and calls none for an engine that
// it stopped. Engines, bytestreams and buckets are externals; instead of one that cannot be made comes an errno.
#define _GNU_SOURCE
#define NAPI_VERSION 8 // Of Node 20 and whatever is newer.
#include "relay.h"
#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <stdlib.h>
#include <unistd.h>
// `endings` brings the ends of bytestreams to JavaScript, and owns this. While one is still to be brought, the process lives.
typedef struct { relay_engine *relay; napi_threadsafe_function endings; size_t running; } addon_engine;
// Each as a number, or as what an external or octets are at; `undefined` is nothing.
typedef struct { napi_value value[8]; double number[8]; void *pointer[8]; size_t length[8]; } arguments;

static arguments arguments_in(napi_env env, napi_callback_info info) {
  arguments given = {.pointer = {NULL}};
  napi_get_cb_info(env, info, &(size_t){8}, given.value, NULL, NULL);
  for (int index = 0; index < 8; index++) {
    if (napi_get_value_double(env, given.value[index], &given.number[index]) == napi_ok ||
        napi_get_value_external(env, given.value[index], &given.pointer[index]) == napi_ok) continue;
    napi_get_buffer_info(env, given.value[index], &given.pointer[index], &given.length[index]);
  }
  return given;
}
static napi_value number(napi_env env, double value) { napi_value made = NULL; return napi_create_double(env, value, &made), made; }
// Once something is not used anymore, or its environment ends.
static void free_engine(napi_env env, void *engine, void *hint) { (void)env, (void)hint, free(engine); }
static void release_flow(napi_env env, void *flow, void *hint) { (void)env, (void)hint, relay_release(flow); }
static void release_bucket(napi_env env, void *bucket, void *hint) { (void)env, (void)hint, relay_bucket_release(bucket); }
static void stop_relay(void *engine) { relay_stop(((addon_engine *)engine)->relay); }

// In a thread of the relay. Which bytestream and how it ended fit into one pointer: nothing leaks if nobody takes it.
static void on_done(void *engine, void *tag, relay_ending ending) {
  napi_call_threadsafe_function(((addon_engine *)engine)->endings, (void *)((uintptr_t)tag * 4 + ending), napi_tsfn_nonblocking);
}

static void bring_ending(napi_env env, napi_value on_ending, void *engine, void *told) {
  addon_engine *self = engine;
  if (!env) return; // The environment ends, and hears nothing anymore.
  if (--self->running == 0) napi_unref_threadsafe_function(env, self->endings);
  const napi_value ending = number(env, (double)(uintptr_t)told);
  napi_call_function(env, ending, on_ending, 1, &ending, NULL);
}

static napi_value start(napi_env env, napi_callback_info info) {
  const arguments given = arguments_in(env, info);
  const relay_settings settings = {.threads = (unsigned)given.number[0], .pipes_max = (unsigned)given.number[1]};
  addon_engine *self = calloc(1, sizeof *self);
  if (!self || napi_create_threadsafe_function(env, given.value[3], NULL, given.value[2], 0, 1, self, free_engine, self,
                                               bring_ending, &self->endings) != napi_ok) return free(self), number(env, ENOMEM);
  napi_unref_threadsafe_function(env, self->endings);
  self->relay = relay_start(&settings, on_done, self);
  napi_value result = number(env, errno);
  if (!self->relay) return napi_release_threadsafe_function(self->endings, napi_tsfn_abort), result;
  // Hooks run in reverse order, and `endings` has set one: the threads are gone before it is.
  napi_add_env_cleanup_hook(env, stop_relay, self);
  napi_create_external(env, self, NULL, NULL, &result);
  return result;
}
static napi_value stop(napi_env env, napi_callback_info info) {
  addon_engine *self = arguments_in(env, info).pointer[0];
  napi_remove_env_cleanup_hook(env, stop_relay, self);
  stop_relay(self);
  return napi_release_threadsafe_function(self->endings, napi_tsfn_release), NULL; // It first brings what it has.
}

static napi_value add(napi_env env, napi_callback_info info) {
  const arguments given = arguments_in(env, info);
  const relay_options options = {
      .early = {{given.pointer[3], given.length[3]}, {given.pointer[4], given.length[4]}}, .bucket = given.pointer[5],
      .tag = (void *)(uintptr_t)given.number[6]};
  addon_engine *self = given.pointer[0];
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
static napi_value bound(napi_env env, napi_callback_info info) {
  const arguments given = arguments_in(env, info);
  return relay_bound(given.pointer[0], (int)given.number[1]), NULL;
}
static napi_value cancel(napi_env env, napi_callback_info info) { return relay_abort(arguments_in(env, info).pointer[0]), NULL; }
static napi_value bucket(napi_env env, napi_callback_info info) {
  const arguments given = arguments_in(env, info);
  relay_bucket *made = relay_bucket_new(((addon_engine *)given.pointer[0])->relay, (uint64_t)given.number[1], given.pointer[2]);
  napi_value result = number(env, errno);
  if (made && napi_create_external(env, made, release_bucket, NULL, &result) != napi_ok) relay_bucket_release(made);
  return result;
}
static napi_value change(napi_env env, napi_callback_info info) {
  const arguments given = arguments_in(env, info);
  return relay_bucket_change(given.pointer[0], (uint64_t)given.number[1]), NULL;
}

#define CALL(name) {.utf8name = #name, .method = name}
NAPI_MODULE_INIT() {
  const napi_property_descriptor all[] = {CALL(start), CALL(stop), CALL(add), CALL(moved), CALL(bound), CALL(cancel), CALL(bucket), CALL(change)};
  return napi_define_properties(env, exports, sizeof all / sizeof *all, all) == napi_ok ? exports : NULL;
}
