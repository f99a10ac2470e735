/* Loaded before the C library: ends the process, as `kill -9` does, just before its n-th write of any kind. `STOP_AT` is n;
   with `STOP_COUNT` naming a file, the number of writes is written there at the end instead. Only what reaches a file or a
   socket counts: the terminal does not. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static long count;

static void step(void) {
    const char *at = getenv("STOP_AT");
    long now = __sync_add_and_fetch(&count, 1);
    if (at && now == atol(at)) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
}

/* Pipes and terminals are the test's own way to listen. */
static int matters(int fd) {
    struct stat found;
    return fd > 2 && fstat(fd, &found) == 0 && (S_ISREG(found.st_mode) || S_ISSOCK(found.st_mode));
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t length) {
    if (matters(fd)) step();
    return NEXT(write)(fd, bytes, length);
}
ssize_t writev(int fd, const struct iovec *parts, int length) {
    if (matters(fd)) step();
    return NEXT(writev)(fd, parts, length);
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    if (matters(fd)) step();
    return NEXT(pwrite)(fd, bytes, length, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    if (matters(fd)) step();
    return NEXT(pwrite64)(fd, bytes, length, at);
}
ssize_t send(int fd, const void *bytes, size_t length, int flags) {
    if (matters(fd)) step();
    return NEXT(send)(fd, bytes, length, flags);
}
ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t size) {
    if (matters(fd)) step();
    return NEXT(sendto)(fd, bytes, length, flags, to, size);
}
int fsync(int fd) {
    step();
    return NEXT(fsync)(fd);
}
int fdatasync(int fd) {
    step();
    return NEXT(fdatasync)(fd);
}
int ftruncate(int fd, off_t length) {
    step();
    return NEXT(ftruncate)(fd, length);
}
int ftruncate64(int fd, off64_t length) {
    step();
    return NEXT(ftruncate64)(fd, length);
}
int unlink(const char *path) {
    step();
    return NEXT(unlink)(path);
}
int rename(const char *from, const char *to) {
    step();
    return NEXT(rename)(from, to);
}
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned int flags) {
    step();
    return NEXT(renameat2)(from_folder, from, to_folder, to, flags);
}
int link(const char *from, const char *to) {
    step();
    return NEXT(link)(from, to);
}
int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    step();
    return NEXT(linkat)(from_folder, from, to_folder, to, flags);
}

__attribute__((destructor)) static void tell(void) {
    const char *path = getenv("STOP_COUNT");
    if (path) {
        FILE *file = fopen(path, "w");
        if (file) {
            fprintf(file, "%ld\n", count);
            fclose(file);
        }
    }
}
