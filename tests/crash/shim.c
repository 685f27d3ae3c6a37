/* A disk that forgets what was not synced: preloaded (LD_PRELOAD), it keeps in SHIM_DISK what a power failure would leave of the files
 * below SHIM_ROOT. The contents of a file are kept when it is synced, the names in a folder when the folder is.
 *
 *   SHIM_DISK/root            inode of SHIM_ROOT
 *   SHIM_DISK/folder-<inode>  a line for each name: kind (f, d), inode, name
 *   SHIM_DISK/file-<inode>    contents
 *
 * All that is there at the start counts as synced. With SHIM_LIES set nothing is kept after that: a control for the test.
 * SHIM_FAILS=<EIO|ENOSPC> <first> <count>: so many syncs (EIO) or writes (ENOSPC) below SHIM_ROOT fail, from that one on. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *root, *disk;
static int lies, fails;
static long first, count, asked;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

/* Writes a file under a name of its own, then gives it the name it is for. */
static FILE *begin(char *temporary) {
    snprintf(temporary, PATH_MAX, "%s/new-%d", disk, (int)getpid());
    return fopen(temporary, "w");
}

static void keep_as(FILE *file, const char *temporary, const char *kind, unsigned long inode) {
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s/%s-%lu", disk, kind, inode);
    if (fclose(file) != 0 || rename(temporary, name) != 0) abort();
}

static void keep_file(const char *path, unsigned long inode) {
    char temporary[PATH_MAX], octets[1 << 16];
    int from = open(path, O_RDONLY);
    if (from < 0) return;
    FILE *to = begin(temporary);
    if (!to) abort();
    for (ssize_t length; (length = read(from, octets, sizeof octets)) > 0;)
        if (fwrite(octets, 1, length, to) != (size_t)length) abort();
    close(from);
    keep_as(to, temporary, "file", inode);
}

static void keep_folder(const char *path, unsigned long inode, int whole) {
    char temporary[PATH_MAX], inner[PATH_MAX];
    DIR *folder = opendir(path);
    if (!folder) return;
    FILE *to = begin(temporary);
    if (!to) abort();
    struct stat about;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (lstat(inner, &about) != 0) continue;
        char kind = S_ISDIR(about.st_mode) ? 'd' : S_ISREG(about.st_mode) ? 'f' : 0;
        if (kind) fprintf(to, "%c %lu %s\n", kind, (unsigned long)about.st_ino, entry->d_name);
    }
    keep_as(to, temporary, "folder", inode);
    rewinddir(folder);
    for (struct dirent *entry; whole && (entry = readdir(folder));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (lstat(inner, &about) != 0) continue;
        if (S_ISDIR(about.st_mode)) keep_folder(inner, about.st_ino, 1);
        if (S_ISREG(about.st_mode)) keep_file(inner, about.st_ino);
    }
    closedir(folder);
}

__attribute__((constructor)) static void start(void) {
    root = getenv("SHIM_ROOT");
    disk = getenv("SHIM_DISK");
    lies = getenv("SHIM_LIES") != NULL;
    char kind[16];
    const char *order = getenv("SHIM_FAILS");
    if (order && sscanf(order, "%15s %ld %ld", kind, &first, &count) == 3) fails = strcmp(kind, "EIO") ? ENOSPC : EIO;
    struct stat about;
    if (!root || !disk || stat(root, &about) != 0) {
        root = NULL;
        return;
    }
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s/root", disk);
    if (access(name, F_OK) == 0) { /* a program that this one started */
        root = NULL;
        return;
    }
    keep_folder(root, about.st_ino, 1);
    FILE *file = fopen(name, "w");
    if (!file) abort();
    fprintf(file, "%lu", (unsigned long)about.st_ino);
    if (fclose(file) != 0) abort();
}

/* The path of a file below the root; 0 if it is none. */
static int is_below(int descriptor, char *path) {
    char link[64];
    if (!root) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    size_t prefix = strlen(root);
    return strncmp(path, root, prefix) == 0 && (path[prefix] == '/' || path[prefix] == 0);
}

/* This one is to fail. */
static int fails_now(int kind) {
    if (fails != kind) return 0;
    long number = __atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST);
    if (number < first || number >= first + count) return 0;
    errno = kind;
    return 1;
}

static int synced(int descriptor) {
    char path[PATH_MAX], link[64];
    struct stat about;
    if (!is_below(descriptor, path) || fstat(descriptor, &about) != 0) return 0;
    if (fails_now(EIO)) return -1;
    if (lies) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    pthread_mutex_lock(&one_at_a_time);
    if (S_ISDIR(about.st_mode)) keep_folder(path, about.st_ino, 0);
    if (S_ISREG(about.st_mode)) keep_file(link, about.st_ino);
    pthread_mutex_unlock(&one_at_a_time);
    return 0;
}

int fsync(int descriptor) { return synced(descriptor); }
int fdatasync(int descriptor) { return synced(descriptor); }

#define WRITES(name, parameters, arguments)                                        \
    ssize_t name parameters {                                                      \
        static ssize_t(*real) parameters;                                          \
        char path[PATH_MAX];                                                       \
        if (!real) real = (ssize_t(*) parameters)dlsym(RTLD_NEXT, #name);          \
        if (fails == ENOSPC && is_below(descriptor, path) && fails_now(ENOSPC)) return -1; \
        return real arguments;                                                     \
    }
WRITES(write, (int descriptor, const void *octets, size_t length), (descriptor, octets, length))
WRITES(pwrite, (int descriptor, const void *octets, size_t length, off_t at), (descriptor, octets, length, at))
WRITES(pwrite64, (int descriptor, const void *octets, size_t length, off64_t at), (descriptor, octets, length, at))
