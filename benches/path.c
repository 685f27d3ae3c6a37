/* OpenSSL's side of benches/path.rs: X509_verify_cert with CRL check over one chain, decoding included.
 *
 * Arguments: leaf, CA, root, the CA's CRL, the root's CRL, each a DER file. First prints the library's version. Then for each
 * line on standard input ("all" or "held") one round of 100 ms, answered by count, seconds and seconds of core time. "all": everything is decoded for
 * each path, the store too is new. "held": the store with the root is kept; leaf, CA and CRLs are decoded for each path. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#define FILES 5
#define ROUND 0.100

enum { LEAF, CA, ROOT, CA_CRL, ROOT_CRL };

static unsigned char *octets[FILES];
static long length[FILES];

static void need(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "path.c: %s\n", what);
        exit(1);
    }
}

static void read_file(int which, const char *path)
{
    FILE *file = fopen(path, "rb");
    need(file != NULL, path);
    octets[which] = malloc(1 << 16);
    need(octets[which] != NULL, "memory");
    length[which] = (long)fread(octets[which], 1, 1 << 16, file);
    fclose(file);
}

static X509 *certificate(int which)
{
    const unsigned char *at = octets[which];
    X509 *decoded = d2i_X509(NULL, &at, length[which]);
    need(decoded != NULL, "a certificate does not decode");
    return decoded;
}

static X509_CRL *list(int which)
{
    const unsigned char *at = octets[which];
    X509_CRL *decoded = d2i_X509_CRL(NULL, &at, length[which]);
    need(decoded != NULL, "a CRL does not decode");
    return decoded;
}

static X509_STORE *new_store(void)
{
    X509_STORE *store = X509_STORE_new();
    X509 *root = certificate(ROOT);
    need(store != NULL && X509_STORE_add_cert(store, root), "the store");
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    X509_free(root);
    return store;
}

static void verify(X509_STORE *held)
{
    X509_STORE *store = held != NULL ? held : new_store();
    X509 *leaf = certificate(LEAF);
    STACK_OF(X509) *chain = sk_X509_new_null();
    STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    need(chain != NULL && lists != NULL && context != NULL, "memory");
    need(sk_X509_push(chain, certificate(CA)) > 0, "memory");
    need(sk_X509_CRL_push(lists, list(CA_CRL)) > 0 && sk_X509_CRL_push(lists, list(ROOT_CRL)) > 0, "memory");
    need(X509_STORE_CTX_init(context, store, leaf, chain), "the context");
    X509_STORE_CTX_set0_crls(context, lists);
    if (X509_verify_cert(context) != 1) {
        need(0, X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    }
    X509_STORE_CTX_free(context);
    sk_X509_CRL_pop_free(lists, X509_CRL_free);
    sk_X509_pop_free(chain, X509_free);
    X509_free(leaf);
    if (held == NULL) {
        X509_STORE_free(store);
    }
}

static double now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **arguments)
{
    need(count == FILES + 1, "five files are wanted");
    for (int which = 0; which < FILES; which++) {
        read_file(which, arguments[which + 1]);
    }
    X509_STORE *store = new_store();
    printf("%s\n", OpenSSL_version(OPENSSL_VERSION));
    fflush(stdout);
    char line[16];
    while (fgets(line, sizeof line, stdin) != NULL) {
        X509_STORE *held = strncmp(line, "held", 4) == 0 ? store : NULL;
        long done = 0;
        double start = now(CLOCK_MONOTONIC);
        double core_time = now(CLOCK_PROCESS_CPUTIME_ID);
        while (now(CLOCK_MONOTONIC) - start < ROUND) {
            verify(held);
            done++;
        }
        core_time = now(CLOCK_PROCESS_CPUTIME_ID) - core_time;
        printf("%ld %.9f %.9f\n", done, now(CLOCK_MONOTONIC) - start, core_time);
        fflush(stdout);
    }
    X509_STORE_free(store);
    return 0;
}
