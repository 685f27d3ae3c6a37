/* A PKCS#11 library before SoftHSM that has the faults of devices: switched on by files in the folder ANTIN_TEST_SHIM. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long ulong_t;
struct list { unsigned char version[2]; void *functions[68]; };
enum { FINALIZE = 1, GET_FUNCTION_LIST = 3, GET_SLOT_LIST = 4, GET_TOKEN_INFO = 6, OPEN_SESSION = 12, CLOSE_SESSION = 13, LOGIN = 18, SIGN_INIT = 42, SIGN = 43 };
static struct list own, *theirs;
static long sessions;

static FILE *at(const char *name, const char *mode) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("ANTIN_TEST_SHIM"), name);
    return fopen(path, mode);
}

static long number(const char *name) {
    long value = -1;
    FILE *file = at(name, "r");
    if (!file) return -1;
    if (fscanf(file, "%ld", &value) != 1) value = 0;
    fclose(file);
    return value;
}

static void count(const char *name) {
    FILE *file = at(name, "a");
    if (file) { fputc('x', file); fclose(file); }
}

static ulong_t get_slot_list(unsigned char present, ulong_t *slots, ulong_t *length) {
    count("slot-lists");
    if (number("removed") >= 0) { *length = 0; return 0; }
    return ((ulong_t (*)(unsigned char, ulong_t *, ulong_t *))theirs->functions[GET_SLOT_LIST])(present, slots, length);
}

static ulong_t get_token_info(ulong_t slot, unsigned char *info) {
    ulong_t value = ((ulong_t (*)(ulong_t, unsigned char *))theirs->functions[GET_TOKEN_INFO])(slot, info);
    if (value == 0 && number("final-try") >= 0) { ulong_t flags; memcpy(&flags, info + 96, sizeof flags); flags |= 0x20000; memcpy(info + 96, &flags, sizeof flags); }
    return value;
}

static ulong_t finalize(void *reserved) {
    sessions = 0;
    return ((ulong_t (*)(void *))theirs->functions[FINALIZE])(reserved);
}

static ulong_t open_session(ulong_t slot, ulong_t flags, void *application, void *notify, ulong_t *session) {
    long most = number("sessions");
    if (most >= 0 && sessions >= most) return 0xB1;
    ulong_t value = ((ulong_t (*)(ulong_t, ulong_t, void *, void *, ulong_t *))theirs->functions[OPEN_SESSION])(slot, flags, application, notify, session);
    if (value == 0) __sync_fetch_and_add(&sessions, 1);
    return value;
}

static ulong_t close_session(ulong_t session) {
    __sync_fetch_and_sub(&sessions, 1);
    return ((ulong_t (*)(ulong_t))theirs->functions[CLOSE_SESSION])(session);
}

static ulong_t login(ulong_t session, ulong_t user, unsigned char *pin, ulong_t length) {
    count("logins");
    return ((ulong_t (*)(ulong_t, ulong_t, unsigned char *, ulong_t))theirs->functions[LOGIN])(session, user, pin, length);
}

static ulong_t sign_init(ulong_t session, void *mechanism, ulong_t key) {
    if (number("removed") >= 0) return 0x32;
    return ((ulong_t (*)(ulong_t, void *, ulong_t))theirs->functions[SIGN_INIT])(session, mechanism, key);
}

static ulong_t sign(ulong_t session, unsigned char *data, ulong_t length, unsigned char *signature, ulong_t *signature_length) {
    if (signature) {
        count("signed");
        while (number("hang") >= 0) usleep(20000);
        if (number("fail") >= 0) return 0x30;
    }
    return ((ulong_t (*)(ulong_t, unsigned char *, ulong_t, unsigned char *, ulong_t *))theirs->functions[SIGN])(session, data, length, signature, signature_length);
}

ulong_t C_GetFunctionList(struct list **list) {
    void *library = dlopen(getenv("ANTIN_TEST_SOFTHSM"), RTLD_NOW);
    if (!library) return 5;
    ulong_t value = ((ulong_t (*)(struct list **))dlsym(library, "C_GetFunctionList"))(&theirs);
    if (value != 0) return value;
    own = *theirs;
    own.functions[GET_FUNCTION_LIST] = C_GetFunctionList;
    own.functions[FINALIZE] = finalize;
    own.functions[GET_SLOT_LIST] = get_slot_list;
    own.functions[GET_TOKEN_INFO] = get_token_info;
    own.functions[OPEN_SESSION] = open_session;
    own.functions[CLOSE_SESSION] = close_session;
    own.functions[LOGIN] = login;
    own.functions[SIGN_INIT] = sign_init;
    own.functions[SIGN] = sign;
    *list = &own;
    return 0;
}
