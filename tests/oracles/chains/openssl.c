/* OpenSSL's side of the generated chains: X509_verify_cert over a batch.
 *
 * Arguments: the time in seconds since 1970, the batch (Chain::push_to of draft.rs says how it is written). Prints a line for
 * each chain: "valid", or why it is not. The flags are those of tests/oracles/path: `openssl verify -partial_chain
 * -check_ss_sig -policy_check -auth_level 2`, and with revocation `-crl_check -crl_check_all -extended_crl -use_deltas`; but of
 * an anchor neither the validity nor the revocation is asked for (RFC 5280 §6.1.1 (d)). */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

static const unsigned char *at, *end;

static void need(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "openssl.c: %s\n", what);
        exit(1);
    }
}

static unsigned long number(void)
{
    need(end - at >= 4, "the batch ends early");
    at += 4;
    return (unsigned long)at[-4] << 24 | (unsigned long)at[-3] << 16 | (unsigned long)at[-2] << 8 | at[-1];
}

static const unsigned char *octets(long *length)
{
    *length = (long)number();
    need(end - at >= *length, "the batch ends early");
    at += *length;
    return at - *length;
}

/* NULL: OpenSSL does not read it, so that it is as good as not given. */
static X509 *certificate(void)
{
    long length;
    const unsigned char *der = octets(&length);
    return d2i_X509(NULL, &der, length);
}

static X509_CRL *list(void)
{
    long length;
    const unsigned char *der = octets(&length);
    return d2i_X509_CRL(NULL, &der, length);
}

/* What is wrong with an anchor as a certificate, and not as a name and a key, is overheard. */
static int overhear(int fine, X509_STORE_CTX *context)
{
    int top = sk_X509_num(X509_STORE_CTX_get0_chain(context)) - 1;
    int is_anchor = X509_STORE_CTX_get_error_depth(context) == top && X509_STORE_CTX_get_num_untrusted(context) <= top;
    if (fine || !is_anchor) {
        return fine;
    }
    switch (X509_STORE_CTX_get_error(context)) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_REVOKED:
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
        break;
    case X509_V_ERR_INVALID_CA:
        /* One of version 1 forbids nothing, also where it has not signed itself. */
        if (X509_get_version(X509_STORE_CTX_get_current_cert(context)) != X509_VERSION_1) {
            return 0;
        }
        break;
    default:
        return 0;
    }
    X509_STORE_CTX_set_error(context, X509_V_OK);
    return 1;
}

static void judge(time_t time)
{
    unsigned long switches = number();
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *links = sk_X509_new_null();
    STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();
    X509_VERIFY_PARAM *parameters = X509_VERIFY_PARAM_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    need(store && links && lists && parameters && context, "memory");

    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_CHECK_SS_SIGNATURE | X509_V_FLAG_POLICY_CHECK;
    /* The command has it from the default parameters, which these replace. */
    flags |= X509_V_FLAG_TRUSTED_FIRST;
    flags |= switches & 1 ? X509_V_FLAG_EXPLICIT_POLICY : 0;
    flags |= switches & 2 ? X509_V_FLAG_INHIBIT_MAP : 0;
    flags |= switches & 4 ? X509_V_FLAG_INHIBIT_ANY : 0;
    if (switches & 8) {
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL | X509_V_FLAG_EXTENDED_CRL_SUPPORT | X509_V_FLAG_USE_DELTAS;
    }
    for (unsigned long left = number(); left > 0; left--) {
        char dotted[64];
        long length;
        const unsigned char *text = octets(&length);
        need(length < (long)sizeof dotted, "a policy is too long");
        memcpy(dotted, text, (size_t)length);
        dotted[length] = '\0';
        need(X509_VERIFY_PARAM_add0_policy(parameters, OBJ_txt2obj(dotted, 1)), "a policy");
    }
    need(X509_VERIFY_PARAM_set_flags(parameters, flags), "flags");
    need(X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_ANY), "a purpose");
    X509_VERIFY_PARAM_set_auth_level(parameters, 2);
    X509_VERIFY_PARAM_set_depth(parameters, 100);
    X509_VERIFY_PARAM_set_time(parameters, time);

    for (unsigned long left = number(); left > 0; left--) {
        X509 *anchor = certificate();
        need(anchor && X509_STORE_add_cert(store, anchor), "an anchor");
        X509_free(anchor);
    }
    for (unsigned long left = number(); left > 0; left--) {
        X509 *link = certificate();
        /* Looked into: OpenSSL compares a list's key identifier with those of certificates that it has looked into, and takes
         * the first other one of the name for the list's issuer. */
        if (link) {
            X509_check_purpose(link, -1, 0);
        }
        need(!link || sk_X509_push(links, link) > 0, "memory");
    }
    for (unsigned long left = number(); left > 0; left--) {
        X509_CRL *one = list();
        need(!one || sk_X509_CRL_push(lists, one) > 0, "memory");
    }
    need(number() == 1, "one target");
    X509 *target = certificate();
    if (target == NULL) {
        puts("the target does not decode");
    } else {
        need(X509_STORE_CTX_init(context, store, target, links), "the context");
        X509_STORE_CTX_set0_param(context, parameters);
        parameters = NULL;
        X509_STORE_CTX_set0_crls(context, lists);
        X509_STORE_CTX_set_verify_cb(context, overhear);
        int error = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
        if (error == X509_V_OK && X509_STORE_CTX_get_error(context) == X509_V_OK) {
            puts("valid");
        } else {
            printf("%s at %d\n", X509_verify_cert_error_string(error), X509_STORE_CTX_get_error_depth(context));
        }
    }
    ERR_clear_error();
    X509_STORE_CTX_free(context);
    X509_VERIFY_PARAM_free(parameters);
    sk_X509_CRL_pop_free(lists, X509_CRL_free);
    sk_X509_pop_free(links, X509_free);
    X509_free(target);
    X509_STORE_free(store);
}

int main(int count, char **arguments)
{
    need(count == 3, "a time and a batch are wanted");
    FILE *file = fopen(arguments[2], "rb");
    need(file && fseek(file, 0, SEEK_END) == 0, arguments[2]);
    long length = ftell(file);
    unsigned char *batch = malloc((size_t)length + 1);
    need(batch && fseek(file, 0, SEEK_SET) == 0 && fread(batch, 1, (size_t)length, file) == (size_t)length, arguments[2]);
    fclose(file);
    at = batch;
    end = batch + length;
    while (at < end) {
        judge((time_t)atoll(arguments[1]));
    }
    free(batch);
    return 0;
}
