/*
 * clock.c: the run's clock, which a simulator may speed up, and the wall clock; used by everything.
 * SPDX-License-Identifier: MIT
 */
#include "common/clock.h"

#include "common/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC "cairnclk"
#define NAP_MS 50 /* a clock that may change is looked at so often */

struct rate {
    int64_t wall; /* us; the wall time at which the run's clock showed `run` */
    int64_t run;  /* us */
    double speed;
};

/* A clock that changes, as it lies in its file. The writer fills the rate that nobody reads, then says so: a writer that
 * is killed in between leaves the clock as it was. */
struct page {
    char magic[8];
    _Atomic uint64_t turn; /* rates[turn % 2] counts */
    struct rate rates[2];
};

static struct rate fixed = { .speed = 1.0 };
static struct page *page; /* NULL: the clock is `fixed` */
static char *page_path;

static int64_t
wall_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct rate
rate_now(void)
{
    struct rate rate = fixed;
    uint64_t turn;

    if (!page)
        return rate;
    do {
        turn = atomic_load_explicit(&page->turn, memory_order_acquire);
        rate = page->rates[turn % 2];
        atomic_thread_fence(memory_order_acquire);
    } while (atomic_load_explicit(&page->turn, memory_order_relaxed) != turn);
    return rate;
}

/* In us; a double has room for any setting, and is exact to less than one for times like ours. */
static double
run_us(const struct rate *rate, int64_t wall)
{
    return (double)rate->run + (double)(wall - rate->wall) * rate->speed;
}

/* NULL: it can't be mapped, or is no clock by its size. */
static struct page *
map_page(int fd, int protection)
{
    struct stat st;
    void *at;

    if (fstat(fd, &st) < 0 || st.st_size != sizeof(struct page))
        return NULL;
    at = mmap(NULL, sizeof(struct page), protection, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

static int
is_clock(const struct page *p)
{
    const struct rate *rate = &p->rates[atomic_load(&p->turn) % 2];

    return memcmp(p->magic, MAGIC, sizeof(p->magic)) == 0 && rate->speed > 0 && rate->speed <= 1e9;
}

static int
open_page(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct page *p = fd < 0 ? NULL : map_page(fd, PROT_READ);

    if (fd >= 0)
        close(fd);
    if (!p)
        return -1;
    if (!is_clock(p)) {
        munmap(p, sizeof(*p));
        return -1;
    }
    page = p;
    page_path = alloc_str(path);
    return 0;
}

static void
drop_page(void)
{
    if (page)
        munmap(page, sizeof(*page));
    page = NULL;
    free(page_path);
    page_path = NULL;
}

int
clock_init(const char *setting)
{
    long long wall = 0;
    long long run = 0;
    double factor = 1.0;
    char end;

    drop_page();
    if (setting && *setting == '/')
        return open_page(setting);
    if (setting && *setting
        && (sscanf(setting, "%lld:%lld:%lf%c", &wall, &run, &factor, &end) != 3 || !(factor > 0) || factor > 1e9))
        return -1;
    fixed = (struct rate){ .wall = wall * 1000, .run = run * 1000, .speed = factor };
    return 0;
}

int
clock_publish(const char *path, struct cairn_error *err)
{
    char *fresh = alloc_printf("%s.new", path);
    struct rate rate = rate_now();
    struct page *p = NULL;
    int rc = -1;
    int fd;

    unlink(fresh); /* one that an earlier process left half-made */
    fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd >= 0 && ftruncate(fd, sizeof(*p)) == 0)
        p = map_page(fd, PROT_READ | PROT_WRITE);
    if (!p) {
        cairn_fail(err, CAIRN_ERR_FAILED, "make the clock %s: %s", fresh, strerror(errno));
        goto out;
    }
    memcpy(p->magic, MAGIC, sizeof(p->magic));
    p->rates[0] = rate;
    if (rename(fresh, path) < 0) {
        cairn_fail(err, CAIRN_ERR_FAILED, "make the clock %s: %s", path, strerror(errno));
        munmap(p, sizeof(*p));
        goto out;
    }
    drop_page();
    page = p;
    page_path = alloc_str(path);
    rc = 0;
out:
    if (fd >= 0)
        close(fd);
    if (rc < 0)
        unlink(fresh);
    free(fresh);
    return rc;
}

void
clock_set_speed(double speed)
{
    struct rate rate = rate_now();
    int64_t wall = wall_us();
    uint64_t turn = atomic_load(&page->turn);

    if (speed == rate.speed)
        return;
    atomic_thread_fence(memory_order_release); /* the last turn is told before its predecessor's place is used again */
    page->rates[(turn + 1) % 2] = (struct rate){ .wall = wall, .run = (int64_t)run_us(&rate, wall), .speed = speed };
    atomic_store_explicit(&page->turn, turn + 1, memory_order_release);
}

char *
clock_setting(void)
{
    if (page)
        return alloc_str(page_path);
    return alloc_printf("%lld:%lld:%.17g", (long long)(fixed.wall / 1000), (long long)(fixed.run / 1000), fixed.speed);
}

int64_t
clock_wall(void)
{
    return wall_us() / 1000;
}

int64_t
clock_now(void)
{
    static int64_t shown;
    struct rate rate = rate_now();
    int64_t now = (int64_t)floor(run_us(&rate, wall_us()) / 1000);

    /* Between the two looks a page's clock may have become slower. */
    if (page && now < shown)
        return shown;
    shown = now;
    return now;
}

int64_t
clock_to_wall(int64_t ms)
{
    return ms <= 0 ? 0 : (int64_t)ceil((double)ms / rate_now().speed);
}

int64_t
clock_nap(int64_t ms)
{
    int64_t wall = clock_to_wall(ms);

    return page && wall > NAP_MS ? NAP_MS : wall;
}

void
clock_format(char out[25], int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char day[21];

    gmtime_r(&seconds, &utc);
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out, 25, "%.19s.%03uZ", day, (unsigned)(ms % 1000) % 1000u);
}

/* "Z", "+02:00" */
static int
zone_of(const char *text, int *east)
{
    int hours = 0, minutes = 0, used = 0;

    if (strcmp(text, "Z") == 0)
        return 0;
    if ((*text != '+' && *text != '-') || sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || text[1 + used])
        return -1;
    *east = (*text == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return 0;
}

int64_t
clock_parse(const char *text)
{
    struct tm utc = { 0 };
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    double fraction = 0;
    int east = 0;

    if (!rest)
        return -1;
    if (*rest == '.') {
        char *end;

        fraction = strtod(rest, &end);
        rest = end;
    }
    if (zone_of(rest, &east) < 0)
        return -1;
    return ((int64_t)timegm(&utc) - east) * 1000 + (int64_t)(fraction * 1000 + 0.5);
}
